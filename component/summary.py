"""A summary for hot paths: an observation is two additions and an entry in a ring.

The quantiles are those of the newest observations, not of the last hours as in Go's library: they are sorted when they
are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import ceil

from component.lightmetric import LightMetric, Sample

_QUANTILES = (0.5, 0.9, 0.99)
_KEPT = 500


class Recent:
    """The observations of one set of labels: all of them counted, the newest kept."""

    __slots__ = ("count", "newest", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.newest: deque[float] = deque(maxlen=_KEPT)

    def observe(self, value: float) -> None:
        """One more value."""
        self.count += 1
        self.total += value
        self.newest.append(value)


def quantile(ordered: Sequence[float], part: float) -> float:
    """The smallest of these values (ascending, not empty) that at least this part of them does not exceed. Pure."""
    return ordered[max(ceil(part * len(ordered)), 1) - 1]


class LightSummary(LightMetric[Recent]):
    """A metric of observations by labels."""

    kind = "summary"

    def _child(self) -> Recent:
        return Recent()

    def _samples(self, child: Recent) -> Iterator[Sample]:
        ordered = sorted(child.newest)
        for part in _QUANTILES if ordered else ():
            yield "", "quantile", str(part), quantile(ordered, part)
        yield "_sum", "", "", child.total
        yield "_count", "", "", child.count
