"""Assumed pods: counted at once, confirmed or forgotten later; and answers kept per node."""

from __future__ import annotations

from random import Random

from scheduler.cache import Cache
from scheduler.decide import Evaluations, Placed, Unschedulable, decide
from scheduler.profile import DEFAULT
from tests.unit.scheduler.cluster import cluster, node, pod


def test_an_assumed_pod_takes_room_until_it_is_forgotten() -> None:
    snapshot = cluster(node("n", cpu="1"))
    cache = Cache(snapshot)
    first = pod("first", cpu="1")
    cache.assume(first, "n")
    assert snapshot.nodes["n"].requested == {"cpu": 1000}
    cache.forget(first.key, "another uid")
    assert cache.is_assumed(first.key, first.uid)
    cache.forget(first.key, first.uid)
    assert snapshot.nodes["n"].requested == {"cpu": 0}


def test_confirmation_counts_once() -> None:
    snapshot = cluster(node("n"))
    cache = Cache(snapshot)
    cache.assume(pod("p", cpu="1"), "n")
    bound = pod("p", cpu="1", on="n").pod
    assert not cache.confirm(bound), "nothing new"
    assert not cache.is_assumed("default/p", "p")
    assert snapshot.nodes["n"].requested == {"cpu": 1000}
    cache.forget("default/p", "p")
    assert snapshot.nodes["n"].requested == {"cpu": 1000}, "a confirmed pod is not forgotten"
    assert cache.remove("default/p")
    assert not snapshot.nodes["n"].pods


def test_another_scheduler_may_have_bound_it_elsewhere() -> None:
    snapshot = cluster(node("a"), node("b"))
    cache = Cache(snapshot)
    cache.assume(pod("p"), "a")
    assert cache.confirm(pod("p", on="b").pod)
    assert not snapshot.nodes["a"].pods
    assert list(snapshot.nodes["b"].pods) == ["p"]


def test_pods_of_a_node_that_is_not_known_yet() -> None:
    snapshot = cluster()
    cache = Cache(snapshot)
    cache.confirm(pod("p", cpu="3", on="late").pod)
    assert not snapshot.order
    cache.set_node(node("late", cpu="4"))
    assert snapshot.nodes["late"].requested == {"cpu": 3000}
    cache.remove_node(node("late"))
    assert not snapshot.order
    cache.remove("default/p")
    assert not snapshot.nodes


def test_kept_answers_are_dropped_when_a_node_changes() -> None:
    snapshot = cluster(node("n", cpu="2"))
    evaluations = Evaluations()

    def again(name: str) -> Placed | Unschedulable:
        return decide(pod(name, cpu="1"), snapshot, DEFAULT, start=0, rng=Random(1), evaluations=evaluations)

    for name in ("first", "second"):
        outcome = again(name)
        assert isinstance(outcome, Placed)
        snapshot.add_pod(pod(name, cpu="1", on="n"))
    assert isinstance(again("third"), Unschedulable)
    snapshot.set_node(node("n", cpu="3"))
    assert isinstance(again("third"), Placed)
    snapshot.set_node(node("n", cpu="3", unschedulable=True))
    assert isinstance(again("third"), Unschedulable)
