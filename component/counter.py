"""A counter for hot paths: an increment is one addition. It is shown by the very name that it is given: several of the
real daemons' counters do not end in _total, which prometheus_client would add."""

from __future__ import annotations

from prometheus_client.core import Metric

from component.lightmetric import LightMetric


class Tally:
    """The count of one set of labels."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Count so many more."""
        self.value += amount


class LightCounter(LightMetric[Tally]):
    """A metric of counts by labels."""

    kind = "counter"

    def _child(self) -> Tally:
        return Tally()

    def _add(self, family: Metric, labels: dict[str, str], child: Tally) -> None:
        family.add_sample(self._name, labels, child.value)
