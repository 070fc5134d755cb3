"""Delays between attempts: 10 s doubling to 5 min, forgotten after twice the maximum (client-go util/flowcontrol).

Pure: the clock is passed in. Used for restarts of containers and for image pulls."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

BASE_SECONDS = 10.0
MAX_SECONDS = 300.0


@dataclass(slots=True)
class _Entry:
    seconds: float
    updated: datetime


@dataclass(slots=True)
class Backoff:
    """One delay per key. `until` asks, `next` counts an attempt."""

    base_seconds: float = BASE_SECONDS
    max_seconds: float = MAX_SECONDS
    _entries: dict[str, _Entry] = field(default_factory=dict)

    def seconds(self, key: str) -> float:
        """The current delay of the key, 0 when it has none."""
        entry = self._entries.get(key)
        return entry.seconds if entry else 0.0

    def until(self, key: str, since: datetime, now: datetime) -> datetime | None:
        """When the key may be tried again if the failure was at `since`; None: now."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, since):
            return None
        end = since + timedelta(seconds=entry.seconds)
        return end if now < end else None

    def next(self, key: str, since: datetime, now: datetime) -> None:
        """An attempt is made now, after a failure at `since`: the delay of the next one doubles."""
        entry = self._entries.get(key)
        if entry is None or self._expired(entry, since):
            self._entries[key] = _Entry(self.base_seconds, now)
        else:
            self._entries[key] = _Entry(min(entry.seconds * 2, self.max_seconds), now)

    def forget(self, prefix: str) -> None:
        """Drop every key that starts with `prefix`."""
        for key in [key for key in self._entries if key.startswith(prefix)]:
            del self._entries[key]

    def _expired(self, entry: _Entry, since: datetime) -> bool:
        return since - entry.updated > timedelta(seconds=2 * self.max_seconds)


def format_seconds(seconds: float) -> str:
    """A duration as Go prints it: "10s", "1m20s", "5m0s"."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def format_precise(seconds: float) -> str:
    """A duration cut to milliseconds, as Go prints it: "215ms", "1.532s", "1m2.5s"."""
    millis = int(seconds * 1000)
    if millis < 1000:
        return f"{millis}ms" if millis else "0s"
    minutes, millis = divmod(millis, 60_000)
    text = f"{millis / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{text}" if minutes else text
