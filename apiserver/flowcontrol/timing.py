"""How much of its seats a level used and wanted, weighted by time: histograms with an observation for each nanosecond.

They are brought up to date whenever levels borrow; requests pay for an addition each."""

from __future__ import annotations

from collections.abc import Mapping

from apiserver.flowcontrol.demand import Observed
from component.histogram import Distribution, LightHistogram

_USED = LightHistogram(
    "apiserver_flowcontrol_priority_level_seat_utilization",
    "Seats in use, as a part of the level's seats, at the end of every nanosecond.",
    ("phase", "priority_level"),
    buckets=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
)
_WANTED = LightHistogram(
    "apiserver_flowcontrol_demand_seats",
    "Seats wanted, as a part of the level's seats, at the end of every nanosecond.",
    ("priority_level",),
    buckets=(0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.8, 4.0, 6.0),
)
_REQUESTS = LightHistogram(
    "apiserver_flowcontrol_priority_level_request_utilization",
    "Requests carried out or waiting, as a part of the level's seats or places, at the end of every nanosecond.",
    ("phase", "priority_level"),
    buckets=(0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1.0),
)
_NANOSECONDS = 1e9


def settle(level: str, period: Observed, *, seats: int, places: int) -> None:
    """A period is over in which the level had so many seats, and places in its queues."""
    _add(_USED.labels("executing", level), period.used, seats)
    _add(_WANTED.labels(level), period.wanted, seats)
    _add(_REQUESTS.labels("executing", level), period.running, seats)
    _add(_REQUESTS.labels("waiting", level), period.waiting, max(1, places))


def denominator(limit: int, server: int) -> int:
    """What a level's seats are compared with, also where it has none of its own (the exempt one). Pure."""
    return limit or max(1, round(server / 10))


def _add(found: Distribution, seconds: Mapping[int, float], whole: int) -> None:
    for value, spent in seconds.items():
        found.observe_many(round(spent * _NANOSECONDS), value / whole)
