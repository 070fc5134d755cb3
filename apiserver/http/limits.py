"""How many requests may be under way at once: reads and writes are counted apart, watches and streams not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apimachinery.errors import TooManyRequests
from apiserver.http import metrics

_RETRY_SECONDS = 1


class InFlight:
    """--max-requests-inflight for reads, --max-mutating-requests-inflight for writes; 0 is no limit."""

    def __init__(self, reads: int = 400, writes: int = 200) -> None:
        self._limits = {True: reads, False: writes}
        self._now = {True: 0, False: 0}
        metrics.IN_FLIGHT.labels("readOnly").set_function(lambda: float(self._now[True]))
        metrics.IN_FLIGHT.labels("mutating").set_function(lambda: float(self._now[False]))

    @contextmanager
    def hold(self, read: bool) -> Iterator[None]:
        """Count one request; raises TooManyRequests where there are too many."""
        limit = self._limits[read]
        if limit and self._now[read] >= limit:
            raise TooManyRequests("Too many requests, please try again later.", retry_after_seconds=_RETRY_SECONDS)
        self._now[read] += 1
        try:
            yield
        finally:
            self._now[read] -= 1
