"""Jobs and CronJobs: defaults, generated selectors, schedules."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.batch.cronjob import CRON_JOB
from api.batch.job import JOB, JOB_STATUS, UID_LABEL
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


def test_what_overrules_generated_labels_is_told_of_in_the_order_of_the_labels() -> None:
    metadata = {"labels": {"job-name": "y", "controller-uid": "u-2", "batch.kubernetes.io/job-name": "z"}}
    errors = complaints(JOB, job(template={**TEMPLATE, "metadata": metadata}))
    path = "spec.template.metadata.labels"
    assert [error.partition(": ")[0] for error in errors] == [
        f"{path}[controller-uid]",
        f"{path}[job-name]",
        f"{path}[batch.kubernetes.io/job-name]",
    ]
    assert errors[0].endswith(": must be 'u-1'")


def test_a_job_that_selects_more_than_by_its_uid_is_refused() -> None:
    pods = {**TEMPLATE, "metadata": {"labels": {"app": "a"}}}
    (error,) = complaints(JOB, job(template=pods, selector={"matchLabels": {"app": "a"}}))
    assert error.startswith("spec.selector: Invalid value: v1.LabelSelector{")
    assert error.endswith(": `selector` not auto-generated")


def test_a_restart_policy_that_does_not_exist_is_not_supported() -> None:
    errors = complaints(JOB, job(template={"spec": {"containers": [container()], "restartPolicy": "Odd"}}))
    assert errors[-1] == (
        'spec.template.spec.restartPolicy: Unsupported value: "Odd": supported values: "OnFailure", "Never"'
    )


def test_an_update_of_a_job_tells_of_every_cause_twice() -> None:
    old = created(JOB, job())
    new = copy.deepcopy(old)
    new["spec"]["parallelism"] = -1
    assert (
        replaced(JOB, new, old)[1]
        == [
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ]
        * 2
    )


def test_a_job_older_than_the_prefixed_labels_may_go_without_them() -> None:
    old = created(JOB, job())
    labels = old["spec"]["template"]["metadata"]["labels"]
    old["spec"]["template"]["metadata"]["labels"] = {k: v for k, v in labels.items() if "/" not in k}
    old["spec"]["selector"] = {"matchLabels": {"controller-uid": "u-1"}}
    assert JOB.validate_update(copy.deepcopy(old), old) == []


@pytest.mark.parametrize(
    ("completions", "parallelism", "told"),
    [
        (4, 4, []),
        (4, 2, ["spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"]),
        (None, 2, ["spec.completions: Required value: when completion mode is Indexed"] * 2),
    ],
)
def test_an_indexed_job_grows_with_its_parallelism(completions: int | None, parallelism: int, told: list[str]) -> None:
    old = created(JOB, job(completionMode="Indexed", completions=2, parallelism=2))
    new = copy.deepcopy(old)
    new["spec"] |= {"completions": completions, "parallelism": parallelism}
    if completions is None:
        del new["spec"]["completions"]
    assert replaced(JOB, new, old)[1] == told


@pytest.mark.parametrize(
    ("affinity", "allowed"),
    [({"nodeAffinity": {}}, True), ({"podAffinity": {}}, False)],
)
def test_of_affinities_only_that_to_nodes_changes_before_the_start(affinity: dict[str, Any], allowed: bool) -> None:
    old = created(JOB, job(suspend=True))
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"] |= {"affinity": affinity, "nodeSelector": {"a": "b"}}
    assert [error.partition(":")[0] for error in replaced(JOB, new, old)[1]] == ([] if allowed else ["spec.template"])


def test_no_fewer_than_no_pods_are_ending() -> None:
    assert [str(error) for error in JOB_STATUS.validate_update({"status": {"terminating": -1}}, {})] == [
        "status.terminating: Invalid value: -1: must be greater than or equal to 0"
    ]


def test_jobs_are_warned_of_names_and_of_too_many_indexes() -> None:
    obj = created(JOB, job(completionMode="Indexed", completions=100_001, parallelism=10_001))
    obj["metadata"]["name"] = "a.b"
    name, indexes = JOB.warnings(obj, None)
    assert name.endswith("a DNS label is recommended: [must not contain dots]")
    assert indexes.startswith("spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism")
    assert JOB.warnings(obj, obj) == []


MANY = {"completionMode": "Indexed", "completions": 100_001, "backoffLimitPerIndex": 1}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"backoffLimitPerIndex": 1}, ["backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"]),
        ({"completionMode": "Odd", "backoffLimitPerIndex": 1}, ['completionMode: Unsupported value: "Odd"']),
        (MANY, ["maxFailedIndexes: Required value: must be specified when completions is above 100000"]),
        (
            {**MANY, "maxFailedIndexes": 10_001, "parallelism": 10_001},
            ["parallelism: Invalid value: 10001: must be", "maxFailedIndexes: Invalid value: 10001: must be"],
        ),
        (
            {"podReplacementPolicy": "Odd", "template": {"spec": {"containers": [container()]}}},
            ['podReplacementPolicy: Unsupported value: "Odd"', "template.spec.restartPolicy: Required value"],
        ),
    ],
)
def test_limits_per_index_of_the_jobs_of_a_cron_job(spec: dict[str, Any], told: list[str]) -> None:
    errors = complaints(CRON_JOB, cron_job(jobTemplate={"spec": {"template": TEMPLATE, **spec}}))
    assert len(errors) == len(told), errors
    for error, start in zip(errors, told, strict=True):
        assert error.startswith(f"spec.jobTemplate.spec.{start}")


def test_the_selector_of_a_cron_job_s_jobs_is_told_of_after_their_spec() -> None:
    spec = {"template": TEMPLATE, "parallelism": -1, "selector": {}, "manualSelector": True}
    errors = complaints(CRON_JOB, cron_job(jobTemplate={"spec": spec}))
    assert [error.partition(":")[0].rpartition(".")[2] for error in errors] == [
        "parallelism",
        "selector",
        "manualSelector",
    ]


@pytest.mark.parametrize(("zone", "problems"), [("Local", 1), ("local", 2), ("Mars/Base", 1)])
def test_a_zone_that_was_wrong_before_may_stay(zone: str, problems: int) -> None:
    obj = cron_job(timeZone=zone)
    assert len(complaints(CRON_JOB, obj)) == problems
    assert replaced(CRON_JOB, obj, obj)[1] == []
    assert len(replaced(CRON_JOB, obj, cron_job(timeZone="UTC"))[1]) == problems


def test_cron_jobs_are_warned_of_zones_always_and_of_templates_when_they_are_new() -> None:
    pods = {"spec": {**TEMPLATE["spec"], "nodeSelector": {"beta.kubernetes.io/os": "linux"}}}
    obj = created(CRON_JOB, cron_job(schedule="TZ=UTC * * * * *", jobTemplate={"spec": {"template": pods}}))
    template, zone = CRON_JOB.warnings(obj, None)
    assert template.startswith("spec.jobTemplate.spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated")
    assert zone.startswith("CRON_TZ or TZ used in spec.spec.schedule is not officially supported")
    assert CRON_JOB.warnings(obj, obj) == [zone]
