"""Whom an important pod displaces."""

from __future__ import annotations

from apimachinery.objects import Object
from scheduler.decide import Unschedulable
from scheduler.podinfo import PodInfo
from scheduler.preemption_plan import Victims, choose
from scheduler.profile import DEFAULT
from scheduler.snapshot import Snapshot
from tests.unit.scheduler.cluster import chosen, cluster, node, place, pod


def displaced(info: PodInfo, snapshot: Snapshot, *budgets: Object) -> tuple[str, set[str]] | None:
    """Node and names of the victims."""
    outcome = place(info, snapshot)
    assert isinstance(outcome, Unschedulable)
    found: Victims | None = choose(info, snapshot, DEFAULT, outcome, budgets)
    return (found.node, {victim.name for victim in found.pods}) if found is not None else None


IMPORTANT = pod("important", cpu="2", priority=100)


def test_no_more_than_needed_and_the_least_important_first() -> None:
    there = [pod("low", cpu="2", on="n", priority=1), pod("middle", cpu="2", on="n", priority=5)]
    snapshot = cluster(node("n", cpu="4"), pods=there)
    assert displaced(IMPORTANT, snapshot) == ("n", {"low"})
    assert set(snapshot.nodes["n"].pods) == {"low", "middle"}, "nothing has happened yet"
    assert snapshot.nodes["n"].requested == {"cpu": 4000}


def test_equals_are_left_alone() -> None:
    snapshot = cluster(node("n", cpu="2"), pods=[pod("same", cpu="2", on="n", priority=100)])
    assert displaced(IMPORTANT, snapshot) is None


def test_the_cheapest_node() -> None:
    there = [
        pod("a", cpu="4", on="one", priority=50),
        pod("b", cpu="2", on="two", priority=5),
        pod("c", cpu="2", on="two", priority=5),
    ]
    found = displaced(IMPORTANT, cluster(node("one", cpu="4"), node("two", cpu="4"), pods=there))
    assert found is not None
    assert found[0] == "two"
    assert len(found[1]) == 1


def test_no_help_where_the_node_itself_does_not_do() -> None:
    snapshot = cluster(node("n", cpu="2", unschedulable=True), pods=[pod("low", cpu="2", on="n")])
    assert displaced(IMPORTANT, snapshot) is None


def test_disruption_budgets_are_kept_where_possible() -> None:
    guarded = [pod(f"g{number}", cpu="2", on="one", labels={"app": "g"}) for number in (1, 2)]
    free = [pod(f"f{number}", cpu="2", on="two", priority=50) for number in (1, 2)]
    budget = {
        "metadata": {"namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "g"}}},
        "status": {"disruptionsAllowed": 0},
    }
    snapshot = cluster(node("one", cpu="4"), node("two", cpu="4"), pods=[*guarded, *free])
    found = displaced(IMPORTANT, snapshot, budget)
    assert found is not None
    assert found[0] == "two"


def test_a_promised_place_is_kept_for_whom_it_was_promised() -> None:
    snapshot = cluster(node("n", cpu="2"))
    snapshot.nominated["n"] = {IMPORTANT.uid: IMPORTANT}
    assert isinstance(place(pod("late", cpu="1"), snapshot), Unschedulable)
    assert chosen(pod("higher", cpu="1", priority=200), snapshot) == "n"
    assert chosen(IMPORTANT, snapshot) == "n"
