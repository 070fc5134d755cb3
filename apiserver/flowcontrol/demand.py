"""How many seats were wanted over a period of time: average, deviation, highest. Pure; time is passed in."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observed:
    """One period."""

    average: float
    deviation: float
    high: int


class Integrator:
    """A number that changes, summed over time."""

    __slots__ = ("_area", "_last", "_squares", "_started", "high", "value")

    def __init__(self, now: float) -> None:
        self.value = 0
        self.high = 0
        self._started = self._last = now
        self._area = self._squares = 0.0

    def add(self, difference: int, now: float) -> None:
        """Change the number at the time `now`."""
        elapsed = now - self._last
        if elapsed > 0:
            value = self.value
            self._area += elapsed * value
            self._squares += elapsed * value * value
            self._last = now
        self.value += difference
        self.high = max(self.high, self.value)

    def reset(self, now: float) -> Observed:
        """What there was since the last reset; begin anew."""
        self.add(0, now)
        elapsed = self._last - self._started
        average = self._area / elapsed if elapsed > 0 else float(self.value)
        variance = self._squares / elapsed - average * average if elapsed > 0 else 0.0
        observed = Observed(average, math.sqrt(max(0.0, variance)), self.high)
        self._started, self._area, self._squares, self.high = self._last, 0.0, 0.0, self.value
        return observed
