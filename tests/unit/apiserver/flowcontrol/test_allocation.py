"""Seats by shares, and what levels lend each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.resources import PRIORITY_LEVELS
from apiserver.bootstrap import flow
from apiserver.flowcontrol import allocation
from apiserver.flowcontrol.allocation import Demand, Limits

_SPECS = {obj["metadata"]["name"]: obj["spec"] for resource, obj in flow.objects() if resource is PRIORITY_LEVELS}
_EXEMPT = frozenset({"exempt"})


def test_default_levels_of_a_server_of_600_seats() -> None:
    limits = allocation.limits(_SPECS, 600)
    assert limits["workload-low"] == Limits(nominal=245, lower=24, upper=600)  # 600 * 100/245 shares, 90 % lendable
    assert limits["catch-all"] == Limits(nominal=13, lower=13, upper=600)
    assert limits["exempt"].nominal == 0


def test_a_borrowing_limit_bounds_what_a_level_can_have() -> None:
    specs = {
        "a": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "borrowingLimitPercent": 50}},
        "b": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "lendablePercent": 100}},
    }
    assert allocation.limits(specs, 100) == {"a": Limits(50, 50, 75), "b": Limits(50, 0, 100)}


def test_a_busy_level_borrows_from_idle_ones() -> None:
    limits = allocation.limits(_SPECS, 600)
    demand = {name: Demand(0, 0.0) for name in limits} | {"global-default": Demand(400, 400.0)}
    seats, _ = allocation.current(limits, demand, _EXEMPT)
    assert seats["global-default"] > 300 > limits["global-default"].nominal
    assert all(seats[name] >= limits[name].lower for name in limits)


def test_what_exempt_requests_use_is_taken_from_the_others_down_to_their_lower_limits() -> None:
    limits = allocation.limits(_SPECS, 600)
    idle = {name: Demand(0, 0.0) for name in limits}
    seats, _ = allocation.current(limits, idle | {"exempt": Demand(1000, 1000.0)}, _EXEMPT)
    assert seats["exempt"] == 1000
    assert {name: seats[name] for name in limits if name != "exempt"} == {
        name: each.lower for name, each in limits.items() if name != "exempt"
    }


def test_demand_rises_at_once_and_falls_slowly() -> None:
    assert allocation.smoothed(0.0, 10.0, 2.0) == 12.0
    assert allocation.smoothed(100.0, 0.0, 0.0) == pytest.approx(97.7)


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 100), st.floats(0.1, 200)), min_size=1, max_size=8),
    st.floats(0, 1),
)
def test_the_fair_fraction_deals_out_exactly_what_there_is(
    levels: list[tuple[float, float, float]], part: float
) -> None:
    bounds = [(low, low + more) for low, more, _ in levels]
    targets = [target for _, _, target in levels]
    least, most = sum(low for low, _ in bounds), sum(high for _, high in bounds)
    total = least + (most - least) * part
    fraction = allocation.fair_fraction(targets, bounds, total)
    dealt = sum(max(low, min(high, target * fraction)) for target, (low, high) in zip(targets, bounds, strict=True))
    assert dealt == pytest.approx(total, abs=1e-6)
