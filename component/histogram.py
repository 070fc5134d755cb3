"""A histogram for hot paths: an observation is a search in a tuple and three additions, without locks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.registry import CollectorRegistry

from component.family import number
from component.lightmetric import LightMetric, Sample


class Distribution:
    """The observations of one set of labels."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: upper ends of the buckets, ascending, without infinity."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0  #: the sum of all values

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def observe(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def observe_many(self, count: int, value: float) -> None:
        """The same value several times."""
        self._counts[bisect_left(self._bounds, value)] += count
        self.total += value * count

    def cumulated(self) -> Iterator[int]:
        """How many values were at most the end of each bucket, the last one without end."""
        return accumulate(self._counts)


class LightHistogram(LightMetric[Distribution]):
    """A metric of distributions by labels."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._bounds = tuple(buckets)
        self._ends = (*map(number, self._bounds), "+Inf")
        super().__init__(name, documentation, labels, registry=registry)

    def _child(self) -> Distribution:
        return Distribution(self._bounds)

    def _samples(self, child: Distribution) -> Iterator[Sample]:
        count = 0
        for end, count in zip(self._ends, child.cumulated(), strict=True):
            yield "_bucket", "le", end, count
        yield "_sum", "", "", child.total
        yield "_count", "", "", count


class Observations(LightMetric[Distribution]):
    """A counter of what a histogram observes, where the real daemons have both: nothing is counted twice."""

    kind = "counter"

    def __init__(
        self, name: str, documentation: str, histogram: LightHistogram, *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        super().__init__(name, documentation, histogram._label_names, registry=registry)
        self._histogram = histogram
        self._children = histogram._children

    def _child(self) -> Distribution:
        return self._histogram._child()

    def _samples(self, child: Distribution) -> Iterator[Sample]:
        yield "", "", "", child.count
