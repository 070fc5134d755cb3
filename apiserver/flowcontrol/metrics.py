"""The metrics apiserver_flowcontrol_*: two distributions, and what the levels know of themselves at the moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apiserver.flowcontrol.controller import FlowControl
from component.histogram import Distribution, LightHistogram
from component.merging import same_everywhere

_PREFIX = "apiserver_flowcontrol_"
same_everywhere(_PREFIX + "seat_fair_frac", _PREFIX + "current_r")
_SECONDS = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)

_WAITS = LightHistogram(
    _PREFIX + "request_wait_duration_seconds",
    "Seconds that requests waited in their queue.",
    ("priority_level", "flow_schema", "execute"),
    buckets=_SECONDS,
)
_EXECUTIONS = LightHistogram(
    _PREFIX + "request_execution_seconds",
    "Seconds that requests (or the beginnings of watches) were carried out.",
    ("priority_level", "flow_schema", "type"),
    buckets=_SECONDS,
)
_SEATS = LightHistogram(
    _PREFIX + "work_estimated_seats",
    "Seats that requests asked for.",
    ("priority_level", "flow_schema"),
    buckets=(1.0, 2.0, 4.0, 10.0),
)
_seats: dict[tuple[str, str], Distribution] = {}
_executions: dict[tuple[str, str, bool], Distribution] = {}


def estimated(level: str, schema: str, seats: int) -> None:
    """A request came that needs so many seats."""
    child = _seats.get((level, schema))
    if child is None:
        child = _seats[level, schema] = _SEATS.labels(level, schema)
    child.observe(seats)


def waited(level: str, schema: str, seconds: float, *, executed: bool) -> None:
    """A request left its queue, to be carried out or not."""
    _WAITS.labels(level, schema, "true" if executed else "false").observe(seconds)


def executed(level: str, schema: str, seconds: float, verb: str) -> None:
    """A request gave its seats back."""
    watch = verb == "watch"
    child = _executions.get((level, schema, watch))
    if child is None:
        child = _EXECUTIONS.labels(level, schema, "watch" if watch else "regular")
        _executions[level, schema, watch] = child
    child.observe(seconds)


class LevelCollector(Collector):
    """Reads the levels when the metrics are asked for: requests pay nothing."""

    def __init__(self, control: FlowControl) -> None:
        self._control = control

    def describe(self) -> Iterable[Metric]:
        """Nothing to say in advance."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        yield from self._of_schemas()
        yield from self._of_levels()
        fraction = GaugeMetricFamily(_PREFIX + "seat_fair_frac", "The fair fraction at the last borrowing.")
        fraction.add_metric((), self._control.fair_fraction)
        yield fraction

    def _of_schemas(self) -> Iterator[Metric]:
        labels = ("priority_level", "flow_schema")
        levels = self._control.levels.values()
        for name, text, read in (
            ("current_executing_requests", "Requests that are carried out.", "executing"),
            ("request_concurrency_in_use", "Seats in use.", "occupied"),
            ("current_executing_seats", "Seats in use.", "occupied"),
            ("current_inqueue_requests", "Requests that wait.", "inqueue"),
        ):
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=labels)
            for level in levels:
                for schema, number in getattr(level, read).items():
                    gauge.add_metric((level.name, schema), number)
            yield gauge
        dispatched = CounterMetricFamily(_PREFIX + "dispatched_requests", "Requests that got seats.", labels=labels)
        rejected = CounterMetricFamily(_PREFIX + "rejected_requests", "Requests refused.", labels=(*labels, "reason"))
        for level in levels:
            for schema, number in level.dispatched.items():
                dispatched.add_metric((level.name, schema), number)
            for (schema, reason), number in level.rejected.items():
                rejected.add_metric((level.name, schema, reason), number)
        yield dispatched
        yield rejected

    def _of_levels(self) -> Iterator[Metric]:
        control = self._control
        limits, demand, averages = control.limits, control.demand, control.averages
        upper = {name: float(each.upper) for name, each in limits.items()}
        current = {name: float(level.limit) for name, level in control.levels.items()}
        nominal = {name: float(each.nominal) for name, each in limits.items()}
        for name, text, values in (
            ("request_concurrency_limit", "Seats of the level by its share.", nominal),
            ("nominal_limit_seats", "Seats of the level by its share.", nominal),
            ("lower_limit_seats", "Seats that are never lent.", {n: float(each.lower) for n, each in limits.items()}),
            ("upper_limit_seats", "Most seats, borrowed ones too.", upper),
            ("current_limit_seats", "Seats at present.", current),
            ("demand_seats_high_watermark", "Most seats wanted in the last period.",
             {n: float(each.high) for n, each in demand.items()}),
            ("demand_seats_smoothed", "Seats wanted, smoothed over the periods.",
             {n: each.smoothed for n, each in demand.items()}),
            ("demand_seats_average", "Seats wanted in the last period.", {n: pair[0] for n, pair in averages.items()}),
            ("demand_seats_stdev", "Their standard deviation.", {n: pair[1] for n, pair in averages.items()}),
            ("target_seats", "Seats that borrowing aims at.",
             {n: max(float(demand[n].high), demand[n].smoothed) for n in demand}),
            ("current_r", "Virtual time of the level's queues.",
             {n: level.virtual_time for n, level in control.levels.items()}),
        ):  # fmt: skip
            gauge = GaugeMetricFamily(_PREFIX + name, text, labels=("priority_level",))
            for level_name, value in values.items():
                gauge.add_metric((level_name,), value)
            yield gauge
