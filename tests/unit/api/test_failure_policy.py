"""Jobs' podFailurePolicy and backoff limit per index: what is defaulted, dropped, refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from api.batch.cronjob import CRON_JOB
from api.batch.job import JOB, JOB_STATUS
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, container, created

TEMPLATE = {"spec": {"containers": [container()], "restartPolicy": "Never"}}
PATTERN = {"type": "DisruptionTarget", "status": ""}


def job(**spec: Any) -> Object:
    meta = {"name": "x", "namespace": "ns", "uid": "u-1"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {"template": TEMPLATE, **spec}}


def cron_job(**spec: Any) -> Object:
    wanted = {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE, **spec}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "x", "namespace": "ns"}, "spec": wanted}


def policy(**rule: Any) -> dict[str, Any]:
    return {"podFailurePolicy": {"rules": [rule]}}


def test_a_condition_is_looked_for_as_true() -> None:
    spec = policy(action="Ignore", onPodConditions=[PATTERN])
    wanted = [{"type": "DisruptionTarget", "status": "True"}]
    of_job = created(JOB, job(**spec))["spec"]
    of_cron_job = created(CRON_JOB, cron_job(**spec))["spec"]["jobTemplate"]["spec"]
    for made in (of_job, of_cron_job):
        assert made["podFailurePolicy"]["rules"][0]["onPodConditions"] == wanted


def test_what_is_behind_a_gate_is_dropped_from_jobs() -> None:
    gated = {"backoffLimitPerIndex": 1, "maxFailedIndexes": 2, "podReplacementPolicy": "Failed"}
    rules = policy(action="FailIndex", onExitCodes={"operator": "In", "values": [1]})
    made = created(JOB, job(**gated, **rules))["spec"]
    assert not gated.keys() & made.keys()
    assert made["podFailurePolicy"] == {"rules": []}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, 'action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]'),
        (
            {"action": "x"},
            'action: Unsupported value: "x": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        ),
        (
            {"action": "Count", "onExitCodes": {"values": [1]}},
            'onExitCodes.operator: Required value: valid values: ["In" "NotIn"]',
        ),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": [3, 2, 1]}},
            "onExitCodes.values: Invalid value: []int32{3, 2, 1}: must be ordered",
        ),
        (
            {"action": "Count", "onExitCodes": {"operator": "In", "values": []}},
            "onExitCodes.values: Invalid value: []int32{}: at least one value is required",
        ),
    ],
)  # fmt: skip
def test_rules(rule: dict[str, Any], expected: str) -> None:
    found = complaints(JOB, job(**policy(**rule)))
    assert f"spec.podFailurePolicy.rules[0].{expected}" in found
    assert len([text for text in found if text.endswith("must be ordered")]) <= 1


def test_the_policy_stays() -> None:
    codes = {"operator": "In", "values": [1]}
    without = created(JOB, job())
    having = {**without, "spec": {**without["spec"], **policy(action="FailJob", onExitCodes=codes)}}
    assert [str(error) for error in JOB.validate_update(having, without)] == [
        "spec.podFailurePolicy: Invalid value: batch.PodFailurePolicy{Rules:[]batch.PodFailurePolicyRule{"
        'batch.PodFailurePolicyRule{Action:"FailJob", '
        "OnExitCodes:(*batch.PodFailurePolicyOnExitCodesRequirement)(0xc000000000), "
        "OnPodConditions:[]batch.PodFailurePolicyOnPodConditionsPattern(nil)}}}: field is immutable"
    ]
    wanted = ['spec.podFailurePolicy: Invalid value: "null": field is immutable']
    assert [str(error) for error in JOB.validate_update(without, having)] == wanted


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"backoffLimitPerIndex": 1}, "backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
        (
            {"maxFailedIndexes": 3, "completions": 2, "completionMode": "Indexed"},
            "backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ),
        (
            {"backoffLimitPerIndex": 1, "maxFailedIndexes": 3, "completions": 2, "completionMode": "Indexed"},
            "maxFailedIndexes: Invalid value: 3: must be less than or equal to completions",
        ),
        (
            {"podReplacementPolicy": "x"},
            'podReplacementPolicy: Unsupported value: "x": supported values: "Failed", "TerminatingOrFailed"',
        ),
    ],
)
def test_cron_jobs_are_told_what_is_wrong_behind_the_gates(spec: dict[str, Any], expected: str) -> None:
    assert f"spec.jobTemplate.spec.{expected}" in complaints(CRON_JOB, cron_job(**spec))


def test_pods_not_counted_yet_are_named_once() -> None:
    old = created(JOB, job())
    new = {**old, "status": {"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a", ""]}}}
    assert [str(error) for error in JOB_STATUS.validate_update(new, old)] == [
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
    ]
