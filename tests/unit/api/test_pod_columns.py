"""The table of pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.core.pod.columns import SELECTABLE, cells, row_conditions
from tests.unit.api.samples import container, pod

NOW = datetime(2024, 1, 2, tzinfo=UTC)
RUNNING = {"name": "c", "ready": True, "restartCount": 0, "state": {"running": {}}}


def row(status: dict[str, Any], spec: dict[str, Any] | None = None, **metadata: Any) -> list[Any]:
    return cells({**pod(spec, creationTimestamp="2024-01-01T00:00:00Z", **metadata), "status": status}, NOW)


def waiting(reason: str) -> dict[str, Any]:
    return {**RUNNING, "ready": False, "state": {"waiting": {"reason": reason}}}


def ended(**terminated: Any) -> dict[str, Any]:
    return {**RUNNING, "ready": False, "state": {"terminated": terminated}}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Pending"}, ["0/1", "Pending"]),
        ({"phase": "Running", "containerStatuses": [RUNNING]}, ["1/1", "Running"]),
        ({"phase": "Pending", "containerStatuses": [waiting("ErrImagePull")]}, ["0/1", "ErrImagePull"]),
        ({"phase": "Failed", "containerStatuses": [ended(exitCode=1, reason="Error")]}, ["0/1", "Error"]),
        ({"phase": "Failed", "containerStatuses": [ended(exitCode=137, signal=9)]}, ["0/1", "Signal:9"]),
        ({"phase": "Failed", "containerStatuses": [ended(exitCode=3)]}, ["0/1", "ExitCode:3"]),
        ({"phase": "Failed", "reason": "Evicted"}, ["0/1", "Evicted"]),
        ({"phase": "Pending", "initContainerStatuses": [waiting("PodInitializing")]}, ["0/1", "Init:0/1"]),
        (
            {"phase": "Pending", "initContainerStatuses": [waiting("ImagePullBackOff")]},
            ["0/1", "Init:ImagePullBackOff"],
        ),
        ({"phase": "Pending", "initContainerStatuses": [ended(exitCode=2)]}, ["0/1", "Init:ExitCode:2"]),
        (
            {"phase": "Running", "initContainerStatuses": [ended(exitCode=0)], "containerStatuses": [RUNNING]},
            ["1/1", "Running"],
        ),
        (
            {"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]},
            ["0/1", "SchedulingGated"],
        ),
    ],
)
def test_ready_and_status(status: dict[str, Any], expected: list[str]) -> None:
    spec = {"initContainers": [container(name="i")]} if "initContainerStatuses" in status else None
    assert row(status, spec)[1:3] == expected


def test_a_deleted_pod_is_terminating() -> None:
    assert row({"phase": "Running"}, deletionTimestamp="2024-01-01T00:00:00Z")[2] == "Terminating"


def test_a_pod_whose_other_container_has_ended_is_not_ready() -> None:
    status = {"phase": "Running", "containerStatuses": [ended(exitCode=0, reason="Completed"), RUNNING]}
    assert row(status, {"containers": [container(), container(name="d")]})[1:3] == ["1/2", "NotReady"]


def test_restarts_say_when_the_last_one_was() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": "2024-01-01T23:00:00Z"}}
    status = {
        "phase": "Running",
        "containerStatuses": [{**waiting("CrashLoopBackOff"), "restartCount": 3, "lastState": last}],
    }
    assert row(status)[2:5] == ["CrashLoopBackOff", "3 (60m ago)", "24h"]


def test_sidecars_count_as_containers() -> None:
    status = {
        "phase": "Running",
        "initContainerStatuses": [{**RUNNING, "name": "i", "started": True, "restartCount": 2}],
        "containerStatuses": [RUNNING],
    }
    assert row(status, {"initContainers": [container(name="i", restartPolicy="Always")]})[1:4] == [
        "2/2",
        "Running",
        "2",
    ]


def test_wide_columns() -> None:
    status = {
        "phase": "Running",
        "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}],
        "conditions": [{"type": "a.io/x", "status": "True"}],
    }
    spec = {"nodeName": "n", "readinessGates": [{"conditionType": "a.io/x"}, {"conditionType": "a.io/y"}]}
    assert row(status, spec)[5:] == ["10.0.0.1", "n", "<none>", "1/2"]
    assert row({})[5:] == ["<none>"] * 4


@pytest.mark.parametrize(("phase", "reasons"), [("Running", []), ("Succeeded", ["Succeeded"]), ("Failed", ["Failed"])])
def test_ended_pods_mark_their_rows(phase: str, reasons: list[str]) -> None:
    assert [condition["reason"] for condition in row_conditions({"status": {"phase": phase}})] == reasons


def test_field_selectors() -> None:
    obj = {
        **pod({"nodeName": "n", "hostNetwork": True}),
        "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]},
    }
    seen = {field: get(obj) for field, get in SELECTABLE.items()}
    assert seen["spec.nodeName"] == "n"
    assert seen["spec.hostNetwork"] == "true"
    assert seen["status.phase"] == "Running"
    assert seen["status.podIP"] == "10.0.0.1"
    assert {get(pod()) for field, get in SELECTABLE.items() if field.startswith("status.")} == {""}
