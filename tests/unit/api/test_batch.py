"""Jobs and CronJobs: defaults, generated selectors, schedules."""

from __future__ import annotations

from typing import Any

import pytest

from api.batch.cronjob import CRON_JOB
from api.batch.job import JOB, UID_LABEL
from api.batch.schedule import schedule_problem
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, container, created, replaced

TEMPLATE = {"spec": {"containers": [container()], "restartPolicy": "Never"}}


def job(**spec: Any) -> Object:
    meta = {"name": "x", "namespace": "ns", "uid": "u-1"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": TEMPLATE, **spec}}


def cron_job(**spec: Any) -> Object:
    wanted = {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}, **spec}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x", "namespace": "ns"}, "spec": wanted}


def test_a_job_selects_its_pods_by_its_uid() -> None:
    made = created(JOB, job())
    labels = {
        "controller-uid": "u-1",
        "job-name": "x",
        "batch.kubernetes.io/controller-uid": "u-1",
        "batch.kubernetes.io/job-name": "x",
    }
    assert made["spec"]["selector"] == {"matchLabels": {UID_LABEL: "u-1"}}
    assert made["spec"]["template"]["metadata"]["labels"] == made["metadata"]["labels"] == labels
    assert JOB.validate(made) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (1, 1)),
        ({"parallelism": 2}, (None, 2)),
        ({"completions": 3}, (3, 1)),
    ],
)
def test_completions_and_parallelism(spec: dict[str, Any], expected: tuple[int | None, int]) -> None:
    made = created(JOB, job(**spec))["spec"]
    assert (made.get("completions"), made["parallelism"]) == expected


@pytest.mark.parametrize(
    ("spec", "start"),
    [
        ({"completions": -1}, "spec.completions: Invalid value: -1: must be greater than or equal to 0"),
        (
            {"template": {"spec": {"containers": [container()]}}},
            "spec.template.spec.restartPolicy: Required value: valid",
        ),
        ({"completionMode": "Odd"}, 'spec.completionMode: Unsupported value: "Odd"'),
        (
            {"manualSelector": True, "selector": {"matchLabels": {"a": "b"}}},
            "spec.template.metadata.labels: Invalid value: map[string]string(nil): `selector` does not match",
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "FailJob"}]}},
            "spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions",
        ),
        (
            {"podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [0]}}]}},
            "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0",
        ),
    ],
)
def test_rules_of_jobs(spec: dict[str, Any], start: str) -> None:
    errors = complaints(JOB, job(**spec))
    assert len(errors) == 1, errors
    assert errors[0].startswith(start)


def test_a_job_keeps_its_template() -> None:
    old = created(JOB, job())
    assert replaced(JOB, old, old)[1] == []
    new = job(template={"spec": {"containers": [container(image="other")], "restartPolicy": "Never"}})
    new["spec"]["selector"] = old["spec"]["selector"]
    new["spec"]["template"]["metadata"] = old["spec"]["template"]["metadata"]
    _, errors = replaced(JOB, new, old)
    assert [error.partition(":")[0] for error in errors] == ["spec.template"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"timeZone": "Europe/Berlin"}, []),
        ({"timeZone": "Mars/Base"}, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']),
        ({"schedule": ""}, ["spec.schedule: Required value"]),
        ({"concurrencyPolicy": "Odd"}, ['spec.concurrencyPolicy: Unsupported value: "Odd"']),
        (
            {"schedule": "TZ=UTC * * * * *", "timeZone": "UTC"},
            ['spec.schedule: Invalid value: "TZ=UTC * * * * *": cannot use both timeZone field'],
        ),
        (
            {"jobTemplate": {"spec": {"template": TEMPLATE, "manualSelector": True}}},
            ["spec.jobTemplate.spec.manualSelector: Unsupported value: true"],
        ),
    ],
)
def test_rules_of_cron_jobs(spec: dict[str, Any], expected: list[str]) -> None:
    errors = complaints(CRON_JOB, cron_job(**spec))
    assert len(errors) == len(expected), errors
    assert all(error.startswith(start) for error, start in zip(errors, expected, strict=True))


def test_long_names_leave_no_room_for_the_jobs() -> None:
    obj = cron_job()
    obj["metadata"]["name"] = "a" * 53
    assert complaints(CRON_JOB, obj) == [
        f'metadata.name: Invalid value: "{"a" * 53}": must be no more than 52 characters'
    ]


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "*/5 0-6 1,15 jan-mar SUN",
        "0 0 * * ?",
        "@daily",
        "@every 1h30m",
        "TZ=UTC 0 0 * * *",
        "5/15 * * * *",
    ],
)
def test_schedules_that_work(schedule: str) -> None:
    assert schedule_problem(schedule) == ""


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("hello", "expected exactly 5 fields, found 1: [hello]"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("61 * * * *", "end of range (61) above maximum (59): 61"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
    ],
)
def test_schedules_that_do_not(schedule: str, problem: str) -> None:
    assert schedule_problem(schedule) == problem
