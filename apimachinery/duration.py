"""Durations: as people read them in tables (k8s.io/apimachinery/pkg/util/duration), and as Go writes them. Pure."""

from __future__ import annotations

import re

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def human_duration(seconds: float) -> str:
    """A duration in at most two units: "5s", "3m20s", "7d", "2y35d"."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 3 * _HOUR:
        return _two(whole, _MINUTE, "m", 1, "s", until=10 * _MINUTE)
    if whole < 2 * _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "m", until=8 * _HOUR)
    if whole < 2 * _YEAR:
        return _two(whole, _DAY, "d", _HOUR, "h", until=8 * _DAY)
    return _two(whole, _YEAR, "y", _DAY, "d", until=8 * _YEAR)


def _two(whole: int, unit: int, name: str, small: int, small_name: str, *, until: int) -> str:
    """The large unit, followed by the small one where it is not zero and the duration is below `until`."""
    count, rest = whole // unit, whole % unit // small
    if whole < until and rest:
        return f"{count}{name}{rest}{small_name}"
    return f"{count}{name}"


def parse_duration(text: str) -> float:
    """A Go duration ("300ms", "1h15m30s") in seconds; raises ValueError."""
    sign = -1.0 if text.startswith("-") else 1.0
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0.0
    total, position = 0.0, 0
    while position < len(body):
        part = _DURATION_PART.match(body, position)
        if part is None:
            break
        total += float(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not body or position < len(body):
        missing = bool(body) and re.fullmatch(r"[\d.]+", body[position:]) is not None
        raise ValueError(f'time: {"missing unit in" if missing else "invalid"} duration "{text}"')
    return sign * total
