"""How often syncs may follow each other: a few at once, then one per period."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pacer:
    """A bucket of `burst` tokens, one more per `period_seconds` (0: no limit)."""

    def __init__(self, period_seconds: float, *, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._period_seconds, self._burst, self._clock = period_seconds, burst, clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> float:
        """Take a token; returns in how many seconds it may be used, 0 for now."""
        if self._period_seconds <= 0:
            return 0.0
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + (now - self._at) / self._period_seconds) - 1
        self._at = now
        return max(0.0, -self._tokens * self._period_seconds)

    async def wait(self) -> None:
        """Take a token and wait until it may be used."""
        delay = self.take()
        if delay:
            await asyncio.sleep(delay)
