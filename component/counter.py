"""A counter for hot paths: an increment is one addition. It is shown by the very name that it is given: several of the
real daemons' counters do not end in _total, which prometheus_client would add."""

from __future__ import annotations

from collections.abc import Iterator

from component.lightmetric import LightMetric, Sample


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

    def _samples(self, child: Tally) -> Iterator[Sample]:
        yield "", "", "", child.value
