"""How healthy zones are, and whose turn it is to be evicted."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from controller.nodelifecycle.evictionqueue import EvictionQueue
from controller.nodelifecycle.zones import EvictionRates, Zone, ZoneState, all_disrupted, zone_of, zones_of

RATES = EvictionRates(normal=0.1, secondary=0.01, unhealthy_threshold=0.55, large_cluster=50)


def _node(zone: str, ready: str) -> Object:
    labels = {"topology.kubernetes.io/zone": zone} if zone else {}
    return {"metadata": {"labels": labels}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_nodes_are_counted_by_zone() -> None:
    nodes = [_node("a", "True"), _node("a", "Unknown"), _node("", "False"), {"metadata": {}}]
    assert zones_of(nodes) == {":a": Zone(1, 1), "": Zone(0, 2)}
    labels = {"topology.kubernetes.io/region": "r", "topology.kubernetes.io/zone": "a"}
    assert zone_of({"metadata": {"labels": labels}}) == "r:a"


@pytest.mark.parametrize(
    ("zone", "state", "rate"),
    [
        (Zone(3, 0), ZoneState.NORMAL, 0.1),
        (Zone(1, 2), ZoneState.NORMAL, 0.1),  # two of three are few
        (Zone(3, 3), ZoneState.NORMAL, 0.1),
        (Zone(2, 3), ZoneState.PARTIAL, 0.0),
        (Zone(20, 30), ZoneState.PARTIAL, 0.0),
        (Zone(20, 31), ZoneState.PARTIAL, 0.01),
        (Zone(0, 1), ZoneState.FULL, 0.1),
    ],
)
def test_states_of_zones_and_their_rates(zone: Zone, state: ZoneState, rate: float) -> None:
    assert zone.state(RATES.unhealthy_threshold) is state
    assert RATES.of(zone) == rate


def test_no_ready_node_means_trouble_of_our_own() -> None:
    assert all_disrupted([Zone(0, 3), Zone(0, 1)])
    assert not all_disrupted([Zone(0, 3), Zone(1, 0)])


def test_the_first_goes_at_once_and_the_others_at_the_zones_rate() -> None:
    queue = EvictionQueue()
    queue.set_rates({"a": 0.1, "b": 0.1}, 100.0)
    for node, zone in (("a1", "a"), ("a2", "a"), ("a1", "a"), ("b1", "b"), ("a3", "a")):
        queue.add(node, zone)
    assert queue.take(100.0) == ["a1", "b1"]
    assert (queue.take(109.9), queue.next_at()) == ([], 110.0)
    queue.discard("a2")
    assert queue.take(110.0) == ["a3"]
    assert queue.next_at() is None


def test_nothing_goes_at_rate_zero_and_the_first_after_it_waits() -> None:
    queue = EvictionQueue()
    queue.set_rates({"a": 0.0}, 100.0)
    queue.add("a1", "a")
    assert (queue.take(1000.0), queue.next_at()) == ([], None)
    queue.set_rates({"a": 0.1}, 1000.0)
    assert (queue.take(1000.0), queue.next_at()) == ([], 1010.0)
    assert queue.take(1010.0) == ["a1"]


def test_a_new_rate_counts_from_now() -> None:
    queue = EvictionQueue()
    queue.set_rates({"a": 0.01}, 0.0)
    for node in ("a1", "a2"):
        queue.add(node, "a")
    assert queue.take(0.0) == ["a1"]
    queue.set_rates({"a": 0.1}, 5.0)
    assert (queue.next_at(), queue.take(15.0)) == (15.0, ["a2"])


def test_a_node_that_moves_waits_in_its_new_zone_only() -> None:
    queue = EvictionQueue()
    queue.set_rates({"a": 0.1, "b": 0.1}, 0.0)
    queue.add("n", "a")
    queue.add("n", "b")
    queue.set_rates({"b": 0.1}, 0.0)
    assert queue.take(0.0) == ["n"]
    assert queue.take(10.0) == []
