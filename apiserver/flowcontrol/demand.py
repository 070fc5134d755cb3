"""How many seats were wanted and used over a period of time. Pure; time is passed in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Observed:
    """One period: average, deviation and highest of the seats wanted, and how long (s) each number had its values."""

    average: float
    deviation: float
    high: int
    wanted: Mapping[int, float]  #: by seats in use or waited for
    used: Mapping[int, float]  #: by seats in use
    running: Mapping[int, float]  #: by requests that were carried out
    waiting: Mapping[int, float]  #: by requests that waited


class Load:
    """What a level has to do: four numbers that change together, and how long they had each of their values. One dict
    for all of them, as a request changes most of them twice."""

    __slots__ = ("_last", "_seconds", "running", "used", "waiting", "wanted")

    def __init__(self, now: float) -> None:
        self.used = 0  #: seats in use
        self.running = 0  #: requests that are carried out
        self.waiting = 0  #: requests that wait
        self.wanted = 0  #: seats in use or waited for
        self._last = now
        self._seconds: dict[tuple[int, int, int, int], float] = {}  #: by the four numbers

    def change(self, now: float, used: int = 0, running: int = 0, waiting: int = 0, wanted: int = 0) -> None:
        """Add to the numbers at the time `now`."""
        elapsed = now - self._last
        if elapsed > 0:
            before = (self.used, self.running, self.waiting, self.wanted)
            self._seconds[before] = self._seconds.get(before, 0.0) + elapsed
            self._last = now
        self.used += used
        self.running += running
        self.waiting += waiting
        self.wanted += wanted

    def reset(self, now: float) -> Observed:
        """What there was since the last reset; begin anew."""
        self.change(now)
        spent, self._seconds = self._seconds, {}
        used, running, waiting, wanted = (_of_one(spent, index) for index in range(4))
        high = max((*wanted, self.wanted))
        average, deviation = _statistics(wanted) if wanted else (float(self.wanted), 0.0)
        return Observed(average, deviation, high, wanted=wanted, used=used, running=running, waiting=waiting)


def _of_one(spent: Mapping[tuple[int, int, int, int], float], index: int) -> dict[int, float]:
    """How long one of the numbers had each of its values."""
    found: dict[int, float] = {}
    for values, seconds in spent.items():
        found[values[index]] = found.get(values[index], 0.0) + seconds
    return found


def _statistics(seconds: Mapping[int, float]) -> tuple[float, float]:
    """Average and deviation of values that lasted so long."""
    elapsed = sum(seconds.values())
    average = sum(value * spent for value, spent in seconds.items()) / elapsed
    variance = sum(spent * (value - average) ** 2 for value, spent in seconds.items()) / elapsed
    return average, math.sqrt(variance)
