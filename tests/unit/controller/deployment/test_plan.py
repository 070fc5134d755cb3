"""The arithmetic of rollouts, and a rollout from end to end for any sizes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.objects import Object
from controller.deployment import plan
from controller.deployment.plan import Resize
from controller.deployment.template import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    REVISION,
    replicas_of,
    total,
    total_status,
    with_replica_annotations,
)


def deployment(replicas: int = 10, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any) -> Object:
    """A deployment with a rolling update."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"metadata": {"name": "web"}, "spec": {"replicas": replicas, "strategy": strategy, **spec}}


def replica_set(name: str, replicas: int, available: int | None = None, **annotations: Any) -> Object:
    """A replica set; names sort by age."""
    return {
        "metadata": {"name": name, "uid": name, "annotations": annotations, "creationTimestamp": f"2026-01-01T{name}"},
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas, "availableReplicas": replicas if available is None else available},
    }


def sizes(steps: list[Resize]) -> dict[str, int]:
    """By name."""
    return {step.replica_set["metadata"]["name"]: step.replicas for step in steps}


@pytest.mark.parametrize(
    ("surge", "unavailable", "want"),
    [("25%", "25%", (3, 2)), (0, 0, (0, 1)), (1, 0, (1, 0)), ("0%", "5%", (0, 1)), ("100%", "100%", (10, 10))],
)
def test_fenceposts(surge: int | str, unavailable: int | str, want: tuple[int, int]) -> None:
    assert plan.fenceposts(deployment(10, surge, unavailable)) == want


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        (10, 0, {"new": 3}),
        (8, 3, {"new": 5}),
        (10, 3, {}),
        (0, 12, {"new": 10}),
        (0, 10, {}),
    ],
)
def test_the_new_set_grows_as_the_surge_allows(old: int, new: int, want: dict[str, int]) -> None:
    sets = [replica_set("old", old), replica_set("new", new)]
    assert sizes(plan.grow_new(deployment(), sets, sets[1])) == want


@pytest.mark.parametrize(
    ("old", "available", "new", "new_available", "want"),
    [
        (10, 10, 3, 0, {"old": 8}),
        (8, 8, 5, 0, {}),
        (8, 8, 5, 5, {"old": 3}),
        (10, 6, 3, 0, {"old": 8}),
        (10, 4, 0, 0, {"old": 8}),
    ],
)
def test_old_sets_shrink_as_availability_allows(
    old: int, available: int, new: int, new_available: int, want: dict[str, int]
) -> None:
    sets = [replica_set("old", old, available), replica_set("new", new, new_available)]
    assert sizes(plan.shrink_old(deployment(), sets[:1], sets[1])) == want


def test_pods_that_do_not_work_go_first_then_the_oldest_set() -> None:
    old = [replica_set("1", 5), replica_set("2", 5, 3)]
    assert sizes(plan.shrink_old(deployment(), old, replica_set("3", 3))) == {"1": 2, "2": 3}


def test_a_resize_in_mid_rollout_keeps_the_proportions() -> None:
    marks: dict[str, Any] = {DESIRED_REPLICAS: "10", MAX_REPLICAS: "13"}
    old, new = replica_set("1", 8, **marks), replica_set("2", 5, **marks)
    bigger = deployment(20)
    assert plan.is_resized(bigger, [old, new])
    grown = sizes(plan.resize(bigger, new, [old]))
    assert grown == {"1": 15, "2": 10}
    assert sum(grown.values()) == plan.max_total(bigger)
    shrunk = sizes(plan.resize(deployment(5), new, [old]))
    assert shrunk == {"1": 4, "2": 3}
    assert sizes(plan.resize(deployment(0), new, [old])) == {"1": 0, "2": 0}


def test_a_resize_of_a_single_set_is_its_size() -> None:
    only = replica_set("1", 3, **dict[str, Any]({DESIRED_REPLICAS: "3"}))
    assert sizes(plan.resize(deployment(7), only, [])) == {"1": 7}
    idle = [replica_set("1", 0), replica_set("2", 0)]
    assert sizes(plan.resize(deployment(7), None, idle)) == {"2": 7}


def test_recreation_ends_all_before_it_begins() -> None:
    old = [replica_set("1", 3), replica_set("2", 0)]
    assert sizes(plan.shut_down(old)) == {"1": 0}
    recreate = {**deployment(4), "spec": {"replicas": 4, "strategy": {"type": "Recreate"}}}
    new = replica_set("3", 0)
    assert sizes(plan.grow_new(recreate, [*old, new], new)) == {"3": 4}


def test_history_is_cut_by_revision() -> None:
    old = [replica_set(str(number), 0, **dict[str, Any]({REVISION: str(9 - number)})) for number in range(4)]
    old[0]["status"]["observedGeneration"] = 0
    busy = replica_set("9", 1, **dict[str, Any]({REVISION: "1"}))
    gone = plan.superfluous(deployment(revisionHistoryLimit=2), [*old, busy])
    assert [item["metadata"]["name"] for item in gone] == ["3", "2"]
    assert plan.superfluous(deployment(), old) == []


@given(
    desired=st.integers(0, 30),
    before=st.integers(0, 30),
    surge=st.integers(0, 5),
    unavailable=st.integers(0, 5),
    pace=st.lists(st.integers(0, 3), min_size=1, max_size=20),
)
def test_any_rollout_ends_and_stays_within_its_bounds(
    desired: int, before: int, surge: int, unavailable: int, pace: list[int]
) -> None:
    """Pods become available a few at a time; never too many exist, never too few are available, and it ends."""
    wanted = deployment(desired, surge, unavailable)
    old, new = replica_set("old", before), replica_set("new", 0, 0)
    most, least = plan.max_total(wanted), desired - plan.max_unavailable(wanted)
    for round_number in range(400):
        steps = plan.grow_new(wanted, [old, new], new) or plan.shrink_old(wanted, [old], new)
        for step in steps:
            had = total_status([old, new], "availableReplicas")
            step.replica_set["spec"]["replicas"] = step.replicas
            status = step.replica_set["status"]
            status["availableReplicas"] = min(status["availableReplicas"], step.replicas)
            assert total([old, new]) <= max(most, before)
            assert total_status([old, new], "availableReplicas") >= min(least, had)
        ready = max(pace[round_number % len(pace)], int(round_number % 7 == 0))
        new["status"]["availableReplicas"] = min(replicas_of(new), new["status"]["availableReplicas"] + ready)
        if (replicas_of(old), replicas_of(new), new["status"]["availableReplicas"]) == (0, desired, desired):
            return
    raise AssertionError("the rollout does not end")


def test_replica_marks() -> None:
    assert with_replica_annotations({"a": "b"}, 3, 4) == {"a": "b", DESIRED_REPLICAS: "3", MAX_REPLICAS: "4"}
