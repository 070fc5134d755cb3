"""How many seats were wanted over a period of time: average, deviation, highest. Pure; time is passed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observed:
    """One period."""

    average: float
    deviation: float
    high: int
    seconds: Mapping[int, float]  #: how long each value lasted


class Integrator:
    """A number that changes, and how long it had each of its values."""

    __slots__ = ("_last", "_seconds", "high", "value")

    def __init__(self, now: float) -> None:
        self.value = 0
        self.high = 0
        self._last = now
        self._seconds: dict[int, float] = {}

    def add(self, difference: int, now: float) -> None:
        """Change the number at the time `now`."""
        value = self.value
        elapsed = now - self._last
        if elapsed > 0:
            self._seconds[value] = self._seconds.get(value, 0.0) + elapsed
            self._last = now
        value += difference
        self.value = value
        if value > self.high:
            self.high = value

    def reset(self, now: float) -> Observed:
        """What there was since the last reset; begin anew."""
        self.add(0, now)
        seconds, high = self._seconds, self.high
        self._seconds, self.high = {}, self.value
        elapsed = sum(seconds.values())
        if not elapsed:
            return Observed(float(self.value), 0.0, high, seconds)
        average = sum(value * spent for value, spent in seconds.items()) / elapsed
        variance = sum(spent * (value - average) ** 2 for value, spent in seconds.items()) / elapsed
        return Observed(average, math.sqrt(variance), high, seconds)
