"""A number over time, and what histograms make of it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from apiserver.flowcontrol.demand import Load, Observed
from apiserver.flowcontrol.timing import denominator, settle


def test_a_period_has_average_deviation_high_and_the_time_of_each_value() -> None:
    load = Load(10.0)
    load.change(12.0, wanted=4)  # 0 for two seconds
    load.change(13.0, wanted=-2)  # 4 for one
    seen = load.reset(14.0)  # 2 for one
    assert (seen.average, seen.high, seen.wanted) == (1.5, 4, {0: 2.0, 4: 1.0, 2: 1.0})
    assert seen.deviation == pytest.approx(((2 * 1.5**2 + 2.5**2 + 0.5**2) / 4) ** 0.5)
    after = load.reset(16.0)
    assert (after.average, after.deviation, after.high, after.wanted) == (2.0, 0.0, 2, {2: 2.0})


def test_numbers_that_change_together_have_times_of_their_own() -> None:
    load = Load(0.0)
    load.change(1.0, used=2, running=1, wanted=2)
    load.change(3.0, waiting=1, wanted=1)
    load.change(7.0, used=-1, waiting=-1, wanted=-2)
    seen = load.reset(8.0)
    assert seen.used == {0: 1.0, 2: 6.0, 1: 1.0}
    assert seen.running == {0: 1.0, 1: 7.0}
    assert seen.waiting == {0: 4.0, 1: 4.0}
    assert seen.wanted == {0: 1.0, 2: 2.0, 3: 4.0, 1: 1.0}
    assert (load.used, load.running, load.waiting, load.wanted) == (1, 1, 0, 1)


def test_a_period_without_length_is_what_there_is() -> None:
    load = Load(10.0)
    load.change(10.0, wanted=3)
    seen = load.reset(10.0)
    assert (seen.average, seen.deviation, seen.high, seen.wanted) == (3.0, 0.0, 3, {})


def test_levels_without_seats_of_their_own_are_compared_with_the_servers() -> None:
    assert [denominator(30, 600), denominator(0, 600), denominator(0, 4)] == [30, 60, 1]


def test_each_nanosecond_is_an_observation() -> None:
    period = Observed(
        0.0, 0.0, 0, wanted={15: 3e-9}, used={0: 1.0, 5: 2e-9}, running={1: 4e-9}, waiting={0: 1e-9, 50: 5e-9}
    )
    settle("timing-test", period, seats=10, places=100)
    used = {"phase": "executing", "priority_level": "timing-test"}
    name = "apiserver_flowcontrol_priority_level_seat_utilization"
    assert REGISTRY.get_sample_value(f"{name}_bucket", {**used, "le": "0"}) == 1e9
    assert REGISTRY.get_sample_value(f"{name}_bucket", {**used, "le": "0.5"}) == 1e9 + 2
    assert REGISTRY.get_sample_value(f"{name}_sum", used) == 1.0
    wanted = {"priority_level": "timing-test"}
    assert REGISTRY.get_sample_value("apiserver_flowcontrol_demand_seats_bucket", {**wanted, "le": "1.4"}) == 0
    assert REGISTRY.get_sample_value("apiserver_flowcontrol_demand_seats_bucket", {**wanted, "le": "1.7"}) == 3
    requests = "apiserver_flowcontrol_priority_level_request_utilization_bucket"
    executing = {"phase": "executing", "priority_level": "timing-test"}
    assert REGISTRY.get_sample_value(requests, {**executing, "le": "0.03"}) == 0
    assert REGISTRY.get_sample_value(requests, {**executing, "le": "0.1"}) == 4
    waiting = {"phase": "waiting", "priority_level": "timing-test"}
    assert REGISTRY.get_sample_value(requests, {**waiting, "le": "0.25"}) == 1
    assert REGISTRY.get_sample_value(requests, {**waiting, "le": "0.5"}) == 6
