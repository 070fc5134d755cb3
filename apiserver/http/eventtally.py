"""Counts the events that one watch has sent: metrics by kind."""

from __future__ import annotations

from apiserver.http import metrics
from apiserver.http.request_info import RequestInfo


class EventTally:
    """Of one watch; its children of the metrics are looked up once."""

    __slots__ = ("_events", "_sizes")

    def __init__(self, info: RequestInfo, kind: str) -> None:
        self._events = metrics.WATCH_EVENTS.labels(info.group, info.version, kind)
        self._sizes = metrics.WATCH_SIZES.labels(info.group, info.version, kind)

    def add(self, data: bytes) -> None:
        """Whole lines that are sent together: counted one by one, their sizes taken to be alike."""
        count = data.count(b"\n")
        self._events.inc(count)
        self._sizes.observe_many(count, len(data) / count)
