"""Which jobs a cron job makes and drops."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apimachinery.objects import Object, name_of
from controller.cronjob import plan
from controller.cronjob.schedule import parse

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
DUE = datetime(2026, 1, 1, 12, tzinfo=UTC)


def cron(status: Object | None = None, **spec: Any) -> Object:
    """Hourly, made before noon."""
    metadata = {"name": "c", "namespace": "default", "uid": "c", "creationTimestamp": "2026-01-01T11:30:00Z"}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"parallelism": 1}}
    return {"metadata": metadata, "spec": {"jobTemplate": template, **spec}, "status": status or {}}


def job(name: str, ended: str = "", start: str = "") -> Object:
    """One of its jobs."""
    conditions = [{"type": ended, "status": "True"}] if ended else []
    status = {"conditions": conditions, "startTime": start or name}
    return {"metadata": {"name": name, "namespace": "default", "uid": name}, "status": status}


def decide(wanted: Object, *jobs: Object) -> plan.Plan:
    """At half a minute past noon."""
    return plan.plan(wanted, jobs, parse("@hourly"), NOW)


def test_what_is_due_is_made_once() -> None:
    todo = decide(cron())
    assert todo.create_for == DUE
    assert todo.next_time == datetime(2026, 1, 1, 13, tzinfo=UTC)
    made = plan.job_for(cron(), DUE)
    assert made["metadata"]["name"] == f"c-{int(DUE.timestamp()) // 60}"
    assert made["metadata"]["annotations"] == {plan.SCHEDULED_AT: "2026-01-01T12:00:00Z"}
    assert decide(cron(), made).create_for is None
    assert decide(cron({"lastScheduleTime": "2026-01-01T12:00:00Z"})).create_for is None
    assert decide(cron(suspend=True)).create_for is None
    assert decide(cron(startingDeadlineSeconds=10)).create_for is None


def test_policies() -> None:
    running = job("running")
    assert decide(cron(), running).create_for == DUE
    forbidden = decide(cron(concurrencyPolicy="Forbid"), running)
    assert forbidden.create_for is None
    assert forbidden.events[0][1] == "JobAlreadyActive"
    replaced = decide(cron(concurrencyPolicy="Replace"), running, job("done", "Complete"))
    assert [name_of(item) for item in replaced.replace] == ["running"]


def test_history() -> None:
    jobs = [job(f"s{number}", "Complete") for number in range(5)] + [job(f"f{number}", "Failed") for number in range(3)]
    assert [name_of(item) for item in plan.expired({}, jobs)] == ["s0", "s1", "f0", "f1"]
    assert len(plan.expired({"successfulJobsHistoryLimit": 0, "failedJobsHistoryLimit": 5}, jobs)) == 5


def test_status() -> None:
    done = job("done", "Complete")
    done["status"]["completionTime"] = "2026-01-01T11:00:00Z"
    found = plan.status(cron(), [done], job("new"), DUE)
    assert [item["name"] for item in found["active"]] == ["new"]
    assert found["lastScheduleTime"] == "2026-01-01T12:00:00Z"
    assert found["lastSuccessfulTime"] == "2026-01-01T11:00:00Z"
