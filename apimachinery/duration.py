"""Ages and durations as people read them in tables (k8s.io/apimachinery/pkg/util/duration). Pure."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


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
