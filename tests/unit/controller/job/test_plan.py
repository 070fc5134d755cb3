"""How many pods a job runs, when it ends, and that every pod counts exactly once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.objects import Object, name_of
from controller.job import plan

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(status: Object | None = None, **spec: Any) -> Object:
    """A job of one completion unless told otherwise."""
    wanted = {"completions": 1, "parallelism": 1, "backoffLimit": 6, "template": {"spec": {"containers": []}}, **spec}
    return {"metadata": {"name": "j", "namespace": "default"}, "spec": wanted, "status": status or {}}


def pod(name: str, phase: str = "Running", *, tracked: bool = True, index: int | None = None) -> Object:
    """A pod of the job."""
    annotations = {plan.INDEX: str(index)} if index is not None else {}
    finalizers = [plan.FINALIZER] if tracked else []
    created = "2026-01-01T11:00:00Z"
    metadata = {"name": name, "uid": name, "finalizers": finalizers, "annotations": annotations}
    return {"metadata": {**metadata, "creationTimestamp": created}, "status": {"phase": phase}}


def next_step(wanted: Object, own: list[Object]) -> plan.Plan:
    """Count and plan."""
    return plan.plan(wanted, plan.count(wanted, own), NOW)


def test_as_many_as_may_run_together_and_are_needed() -> None:
    wanted = job(completions=5, parallelism=2)
    assert next_step(wanted, []).create == (None, None)
    assert next_step(wanted, [pod("a")]).create == (None,)
    assert next_step(wanted, [pod("a"), pod("b")]) == plan.Plan()
    assert next_step(job({"succeeded": 4}, completions=5, parallelism=2), []).create == (None,)
    assert len(next_step(wanted, [pod("a"), pod("b"), pod("c")]).delete) == 1


def test_a_work_queue_starts_no_more_once_one_succeeded() -> None:
    queue = job(completions=None, parallelism=3)
    assert len(next_step(queue, []).create) == 3
    assert next_step(queue, [pod("a"), pod("b", "Succeeded")]) == plan.Plan()
    assert next_step(queue, [pod("b", "Succeeded")]).finish == ("Complete", "", "")


def test_indexes_that_are_missing_are_made() -> None:
    indexed = job({"completedIndexes": "1"}, completions=4, parallelism=4, completionMode="Indexed")
    assert next_step(indexed, [pod("a", index=0), pod("f", "Failed", index=2, tracked=False)]).create == (2, 3)
    made = plan.pod_for(indexed, 3, {})
    assert made["metadata"]["generateName"] == "j-3-"
    assert made["metadata"]["annotations"][plan.INDEX] == "3"
    assert made["spec"]["hostname"] == "j-3"
    assert made["metadata"]["finalizers"] == [plan.FINALIZER]


@pytest.mark.parametrize(
    ("wanted", "own", "reason"),
    [
        (job({"failed": 1}, backoffLimit=0), [pod("a")], "BackoffLimitExceeded"),
        (job(backoffLimit=0), [pod("a", "Failed")], "BackoffLimitExceeded"),
        (job({"startTime": "2026-01-01T11:00:00Z"}, activeDeadlineSeconds=60), [pod("a")], "DeadlineExceeded"),
        (job(), [pod("a", "Succeeded")], ""),
    ],
)
def test_the_end(wanted: Object, own: list[Object], reason: str) -> None:
    todo = next_step(wanted, own)
    assert todo.finish is not None
    assert todo.finish[1] == reason
    assert len(todo.delete) == sum(item["status"]["phase"] == "Running" for item in own)


def test_failures_are_followed_by_a_pause() -> None:
    failed = pod("f", "Failed")
    terminated = {"state": {"terminated": {"finishedAt": "2026-01-01T11:59:55Z"}}}
    failed["status"]["containerStatuses"] = [terminated]
    todo = next_step(job(), [failed])
    assert todo.create == ()
    assert todo.retry_after == 5
    assert plan.backoff(3, datetime(2026, 1, 1, 12, tzinfo=UTC), NOW) == 40
    assert plan.backoff(30, datetime(2026, 1, 1, 12, tzinfo=UTC), NOW) == 360


def test_suspension_deletes_pods_and_is_told() -> None:
    suspended = job({"startTime": "2026-01-01T11:00:00Z"}, suspend=True)
    counts = plan.count(suspended, [pod("a")])
    todo = plan.plan(suspended, counts, NOW)
    assert [name_of(item) for item in todo.delete] == ["a"]
    told = plan.status(suspended, counts, todo, NOW)
    assert told["conditions"][0]["reason"] == "JobSuspended"
    assert "startTime" not in told


@pytest.mark.parametrize(("text", "numbers"), [("", set()), ("3", {3}), ("0-2,5", {0, 1, 2, 5}), ("1,2", {1, 2})])
def test_indexes_as_text(text: str, numbers: set[int]) -> None:
    assert plan.parse_indexes(text) == numbers
    assert plan.format_indexes(numbers) == text


@given(
    phases=st.lists(st.sampled_from(["Running", "Succeeded", "Failed"]), max_size=6),
    order=st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=30),
)
def test_every_pod_counts_once_whatever_happens_between_the_writes(
    phases: list[str], order: list[tuple[bool, int]]
) -> None:
    """Status writes and the removal of finalizers happen in any order that the controller can be killed in."""
    own = [pod(f"p{number}", phase) for number, phase in enumerate(phases)]
    wanted = job(completions=100, backoffLimit=100)

    def write() -> None:
        counts = plan.count(wanted, own)
        wanted["status"] = plan.status(wanted, counts, plan.Plan(), NOW)

    def release(number: int) -> None:
        told = wanted["status"].get("uncountedTerminatedPods") or {}
        uids = [*told.get("succeeded", ()), *told.get("failed", ())]
        if number < len(own) and own[number]["metadata"]["uid"] in uids:
            own[number]["metadata"]["finalizers"] = []

    for is_write, number in order:
        write() if is_write else release(number)
    write()
    for number in range(len(own)):
        release(number)
    write()
    counted = wanted["status"]
    assert counted["succeeded"] == phases.count("Succeeded")
    assert counted["failed"] == phases.count("Failed")
    assert not counted["uncountedTerminatedPods"]
