"""What the metrics of hot paths have in common: children by label values, looked up once and kept by their callers.

They may be counted from one thread only, that of the event loop, and so need no locks; prometheus_client's own are for
everything else. `histogram.py`, `counter.py` and `summary.py` say what a child holds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from component.family import Family, labels_text, with_label

Child = TypeVar("Child")
#: Suffix of the name, one more label ("" where there is none) and its value, and the value of the sample.
Sample = tuple[str, str, str, float]


class LightMetric(Collector, Generic[Child]):
    """A metric of children by labels."""

    kind = ""  #: as the text format calls it

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str] = (), *, registry: CollectorRegistry = REGISTRY
    ) -> None:
        """`name`: as it is shown, with the suffix where it has one."""
        self._name = name
        self._documentation = documentation
        self._label_names = tuple(labels)
        self._children: dict[tuple[str, ...], Child] = {}
        registry.register(self)

    def labels(self, *values: str) -> Child:
        """The child of these labels; callers keep it."""
        found = self._children.get(values)
        if found is None:
            if len(values) != len(self._label_names):
                raise ValueError(f"{self._name} has the labels {self._label_names}, not {values}")
            found = self._children[values] = self._child()
        return found

    def describe(self) -> Iterator[Metric]:
        """The metric without values: what the registry asks for its name."""
        yield Metric(self._name, self._documentation, self.kind)

    def collect(self) -> Iterator[Metric]:
        """The metric with its values, as prometheus_client has them."""
        found = Metric(self._name, self._documentation, self.kind)
        for values, child in tuple(self._children.items()):
            labels = dict(zip(self._label_names, values, strict=True))
            for suffix, key, extra, value in self._samples(child):
                found.add_sample(self._name + suffix, {**labels, key: extra} if key else labels, value)
        yield found

    def family(self) -> Family:
        """The same, for the text format."""
        samples: dict[str, float] = {}
        for values, child in tuple(self._children.items()):
            shown = labels_text(zip(self._label_names, values, strict=True))
            for suffix, key, extra, value in self._samples(child):
                inside = with_label(shown, key, extra) if key else shown
                samples[f"{self._name}{suffix}{{{inside}}}" if inside else self._name + suffix] = float(value)
        return Family(self._name, self.kind, self._documentation, samples)

    @abstractmethod
    def _child(self) -> Child:
        """A new one."""

    @abstractmethod
    def _samples(self, child: Child) -> Iterator[Sample]:
        """What a child shows."""
