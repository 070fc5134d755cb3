"""Jobs that say what a failed pod means."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from controller.job import plan
from controller.job.failures import judge
from tests.unit.controller.job.test_plan import NOW, job, next_step, pod

POLICY = {
    "rules": [
        {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
        {"action": "Count", "onExitCodes": {"operator": "NotIn", "values": [1]}},
    ]
}


def failed(name: str, *, code: int = 0, container: str = "main", condition: str = "", tracked: bool = True) -> Object:
    """A pod that failed, by this exit code."""
    made = pod(name, "Failed", tracked=tracked)
    made["metadata"]["namespace"] = "default"
    ended = {"name": container, "state": {"terminated": {"exitCode": code, "finishedAt": "2026-01-01T11:00:00Z"}}}
    made["status"]["containerStatuses"] = [ended]
    if condition:
        made["status"]["conditions"] = [{"type": condition, "status": "True"}]
    return made


@pytest.mark.parametrize(
    ("seen", "action", "message"),
    [
        (
            {"code": 42},
            "FailJob",
            "Container main for pod default/p failed with exit code 42 matching FailJob rule at index 0",
        ),
        (
            {"code": 42, "container": "other"},
            "Count",
            "Container other for pod default/p failed with exit code 42 matching Count rule at index 2",
        ),
        (
            {"code": 1, "condition": "DisruptionTarget"},
            "Ignore",
            "Pod default/p has condition DisruptionTarget matching Ignore rule at index 1",
        ),
        ({"code": 1}, "Count", ""),
        ({"code": 0}, "Count", ""),
    ],
)
def test_the_first_rule_that_fits(seen: dict[str, Any], action: str, message: str) -> None:
    found = judge(job(podFailurePolicy=POLICY), failed("p", **seen))
    assert (found.action, found.message) == (action, message)


def test_without_a_policy_all_failures_count() -> None:
    assert judge(job(), failed("p", code=42)).action == "Count"


def test_ignored_failures_are_replaced_and_not_counted() -> None:
    wanted = job(podFailurePolicy=POLICY, backoffLimit=0)
    own = [failed("p", code=1, condition="DisruptionTarget")]
    counts = plan.count(wanted, own)
    assert plan.totals(wanted, counts) == (0, 0)
    assert counts.release == own
    assert next_step(wanted, own).create == (None,)


def test_a_job_fails_at_once_and_remembers_why() -> None:
    wanted = job(podFailurePolicy=POLICY, completions=2, parallelism=2)
    own = [failed("p", code=42), pod("q")]
    counts = plan.count(wanted, own)
    todo = plan.plan(wanted, counts, NOW)
    assert todo.delete == (own[1],)
    assert todo.finish is not None and todo.finish[1] == "PodFailurePolicy"
    first = plan.status(wanted, counts, todo, NOW)
    assert [item["type"] for item in first["conditions"]] == ["FailureTarget"]
    # The pod that told is let go; the job fails all the same, for the same reason.
    later = {**wanted, "status": first}
    counts = plan.count(later, [])
    todo = plan.plan(later, counts, NOW)
    last = plan.status(later, counts, todo, NOW)
    assert [(item["type"], item["message"]) for item in last["conditions"]] == [
        ("FailureTarget", first["conditions"][0]["message"]),
        ("Failed", first["conditions"][0]["message"]),
    ]
    assert last["failed"] == 1


def test_a_deleted_pod_is_judged_when_it_has_ended() -> None:
    going = pod("p")
    going["metadata"]["deletionTimestamp"] = "2026-01-01T11:59:00Z"
    assert plan.count(job(), [going]).uncounted_failed == ["p"]
    waited = plan.count(job(podFailurePolicy=POLICY), [going])
    assert (waited.uncounted_failed, waited.release) == ([], [])
