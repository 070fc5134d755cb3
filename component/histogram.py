"""A histogram for hot paths: an observation is a search in a tuple and three additions, without locks.

It may be observed from one thread only, that of the event loop; prometheus_client's own are for everything else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry


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
        ends = [*(f"{float(bound)}" for bound in self._bounds), "+Inf"]
        for end, count in zip(ends, self._counts, strict=True):
            sum_so_far += count
            found.append((end, float(sum_so_far)))
        return found


class LightHistogram(Collector):
    """A metric of distributions by labels."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str],
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._label_names = tuple(labels)
        self._bounds = tuple(buckets)
        self._children: dict[tuple[str, ...], Distribution] = {}
        registry.register(self)

    def labels(self, *values: str) -> Distribution:
        """The distribution of these labels; callers keep it."""
        found = self._children.get(values)
        if found is None:
            if len(values) != len(self._label_names):
                raise ValueError(f"{self._name} has the labels {self._label_names}, not {values}")
            found = self._children[values] = Distribution(self._bounds)
        return found

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """The metric without values: what the registry asks for its name."""
        yield HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The metric with its values."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)
        for values, child in tuple(self._children.items()):
            family.add_metric(values, child.buckets(), child.total)
        yield family
