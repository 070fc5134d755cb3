"""A histogram for hot paths: an observation is a search in a tuple and three additions, without locks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import CollectorRegistry

from component.exposition import number
from component.lightmetric import LightMetric


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

    def buckets(self) -> list[tuple[str, float]]:
        """Upper ends as texts, and how many values were at most that."""
        found, sum_so_far = [], 0
        ends = [*(number(bound) for bound in self._bounds), "+Inf"]
        for end, count in zip(ends, self._counts, strict=True):
            sum_so_far += count
            found.append((end, float(sum_so_far)))
        return found


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
        super().__init__(name, documentation, labels, registry=registry)

    def _child(self) -> Distribution:
        return Distribution(self._bounds)

    def _add(self, family: Metric, labels: dict[str, str], child: Distribution) -> None:
        buckets = child.buckets()
        for end, count in buckets:
            family.add_sample(f"{self._name}_bucket", {**labels, "le": end}, count)
        family.add_sample(f"{self._name}_count", labels, buckets[-1][1])
        family.add_sample(f"{self._name}_sum", labels, child.total)
