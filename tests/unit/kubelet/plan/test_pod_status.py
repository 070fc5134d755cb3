"""The status that is written for what runs."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from kubelet.plan.container_status import Readiness, StartError
from kubelet.plan.pod_status import pod_status, status_patch
from kubelet.plan.records import ContainerRecord
from tests.unit.kubelet.plan.pods import T0, container, make_pod, record, sandbox, seen


def status_of(pod: Object, *records: ContainerRecord, **more: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "errors": {}, "readiness": Readiness(), "host_ip": "192.0.2.1", "pod_ip": "10.0.0.2", "now": T0,
    }  # fmt: skip
    return pod_status(pod, seen(*records), **{**arguments, **more})


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in status["conditions"] if c["type"] == kind)
    return found


TWO = (container("a"), container("b"))
INIT: dict[str, Any] = {"initContainers": [container("i")]}


@pytest.mark.parametrize(
    ("pod", "records", "phase"),
    [
        (make_pod(), [], "Pending"),
        (make_pod(), [sandbox(), record()], "Running"),
        (make_pod(*TWO), [sandbox(), record("a")], "Pending"),
        (make_pod(*TWO), [sandbox(), record("a"), record("b", "exited", 1)], "Running"),
        (make_pod(), [record("web", "exited", 0)], "Running"),
        (make_pod(restartPolicy="OnFailure"), [record("web", "exited", 0)], "Succeeded"),
        (make_pod(restartPolicy="OnFailure"), [record("web", "exited", 1)], "Running"),
        (make_pod(restartPolicy="Never"), [record("web", "exited", 1)], "Failed"),
        (make_pod(*TWO, restartPolicy="Never"), [record("a", "exited", 0), record("b", "exited", 3)], "Failed"),
        (make_pod(**INIT), [sandbox(), record("i")], "Pending"),
        (make_pod(restartPolicy="Never", **INIT), [record("i", "exited", 1)], "Failed"),
        (make_pod(**INIT), [record("i", "exited", 1)], "Pending"),
        (make_pod(status={"phase": "Succeeded"}), [record()], "Succeeded"),
    ],
)
def test_phase(pod: Object, records: list[ContainerRecord], phase: str) -> None:
    assert status_of(pod, *records)["phase"] == phase


def test_a_running_pod_is_ready() -> None:
    status = status_of(make_pod(), sandbox(), record())
    assert status["podIP"] == "10.0.0.2"
    assert status["podIPs"] == [{"ip": "10.0.0.2"}]
    assert status["qosClass"] == "BestEffort"
    assert status["startTime"] == "2026-01-01T00:00:00Z"
    assert [(c["type"], c["status"]) for c in status["conditions"]] == [
        ("Initialized", "True"), ("Ready", "True"), ("ContainersReady", "True"), ("PodScheduled", "True"),
    ]  # fmt: skip
    assert status["containerStatuses"] == [
        {
            "name": "web", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "lastState": {}, "ready": True,
            "restartCount": 0, "image": "nginx:latest", "imageID": "docker://sha256:1",
            "containerID": "docker://web-0", "started": True,
        }
    ]  # fmt: skip


def test_readiness_and_startup_gate_ready() -> None:
    status = status_of(make_pod(), sandbox(), record(), readiness=Readiness({"web-0": False}, {}))
    assert condition(status, "Ready")["message"] == "containers with unready status: [web]"
    assert status["containerStatuses"][0]["started"]
    status = status_of(make_pod(), sandbox(), record(), readiness=Readiness({"web-0": True}, {"web-0": False}))
    assert not status["containerStatuses"][0]["started"]
    assert not status["containerStatuses"][0]["ready"]


def test_a_crash_loop_shows_why_it_waits_and_how_it_ended() -> None:
    errors = {"web": StartError("CrashLoopBackOff", "back-off 10s")}
    status = status_of(make_pod(), sandbox(), record("web", "exited", 1, 2), errors=errors)["containerStatuses"][0]
    assert status["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["restartCount"] == 2


def test_the_attempt_before_is_the_last_state() -> None:
    status = status_of(make_pod(), sandbox(), record("web", "exited", 7, 0), record(attempt=1))
    assert status["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 7
    assert status["containerStatuses"][0]["restartCount"] == 1


def test_waiting_reasons_before_anything_ran() -> None:
    assert status_of(make_pod())["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    status = status_of(make_pod(**INIT), sandbox(), record("i"))
    assert status["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert condition(status, "Initialized")["message"] == "containers with incomplete status: [i]"
    for created in (status_of(make_pod(**INIT)), status_of(make_pod(**INIT), sandbox(), record("i", "created"))):
        assert created["initContainerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    errors = {"web": StartError("ErrImagePull", "no such image")}
    waiting = status_of(make_pod(), sandbox(), errors=errors)["containerStatuses"][0]["state"]["waiting"]
    assert waiting == {"reason": "ErrImagePull", "message": "no such image"}


def test_a_deleted_pod_ends_by_how_its_containers_ended() -> None:
    assert status_of(make_pod(), record("web", "exited", 0), terminating=True)["phase"] == "Succeeded"
    assert status_of(make_pod(), record("web", "exited", 137), terminating=True)["phase"] == "Failed"
    assert status_of(make_pod(), terminating=True)["phase"] == "Failed"
    assert status_of(make_pod(), record(), terminating=True)["phase"] == "Running"


def test_eviction_fails_the_pod_with_its_reason() -> None:
    status = status_of(make_pod(), record("web", "exited", 137), failure=("Evicted", "low on memory"))
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", "low on memory")
    assert condition(status, "Ready")["reason"] == "PodFailed"


def test_an_evicted_pod_says_that_it_is_the_cluster_s_doing() -> None:
    ours = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": "low"}
    status = status_of(make_pod(), record("web", "exited", 137), failure=("Evicted", "low"), disruption=ours)
    assert condition(status, "DisruptionTarget") == ours
    patch = status_patch(make_pod(), status)
    assert patch is not None
    assert ours in patch["status"]["conditions"]
    theirs = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    foreign = make_pod(status={"phase": "Running", "conditions": [theirs]})
    kept = status_of(foreign, record("web", "exited", 137), failure=("Evicted", "low"), disruption=ours)
    assert condition(kept, "DisruptionTarget") == theirs


def test_a_container_that_the_runtime_lost_keeps_what_was_known() -> None:
    first = status_of(make_pod(restartPolicy="Never"), record("web", "exited", 3))
    again = status_of(make_pod(restartPolicy="Never", status=first))
    assert again["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    assert again["phase"] == "Failed"


def test_readiness_gates_need_their_condition() -> None:
    gates: dict[str, Any] = {"readinessGates": [{"conditionType": "lb"}]}
    status = status_of(make_pod(**gates), sandbox(), record())
    assert condition(status, "Ready")["reason"] == "ReadinessGatesNotReady"
    assert condition(status, "ContainersReady")["status"] == "True"
    old = {"conditions": [{"type": "lb", "status": "True"}]}
    status = status_of(make_pod(**gates, status=old), sandbox(), record())
    assert condition(status, "Ready")["status"] == "True"
    assert condition(status, "lb") == {"type": "lb", "status": "True"}


def test_a_patch_says_only_what_changed() -> None:
    first = status_of(make_pod())
    pod = make_pod(status=first)
    assert status_patch(pod, status_of(pod)) is None
    patch = status_patch(pod, status_of(pod, sandbox(), record()))
    assert patch is not None
    assert patch["metadata"] == {"uid": "u1"}
    assert sorted(patch["status"]) == ["conditions", "containerStatuses", "phase"]
    changed = {c["type"]: c for c in patch["status"]["conditions"]}
    assert sorted(changed) == ["ContainersReady", "Ready"]
    assert changed["Ready"]["message"] is None  # what was said of it before is taken back


def test_transition_times_move_only_with_the_status() -> None:
    first = status_of(make_pod(), sandbox(), record())
    later = status_of(make_pod(status=first), sandbox(), record(), now=T0.replace(year=2027))
    assert condition(later, "Ready")["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    unready = status_of(
        make_pod(status=first), sandbox(), record(), now=T0.replace(year=2027), readiness=Readiness({"web-0": False})
    )
    assert condition(unready, "Ready")["lastTransitionTime"] == "2027-01-01T00:00:00Z"


def test_a_pod_that_was_turned_away_has_no_containers_to_show() -> None:
    status = status_of(make_pod(), failure=("OutOfcpu", "Pod was rejected: no cpu"))
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfcpu")
    assert "containerStatuses" not in status
    again = status_of(make_pod(status=status))
    assert "containerStatuses" not in again
    assert again["reason"] == "OutOfcpu"


def test_a_new_address_replaces_the_old_one() -> None:
    pod = make_pod(status={"podIP": "10.244.0.2", "podIPs": [{"ip": "10.244.0.2"}]})
    patch = status_patch(pod, {"podIP": "10.244.0.9", "podIPs": [{"ip": "10.244.0.9"}]})
    assert patch is not None
    assert patch["status"]["podIPs"] == [{"ip": "10.244.0.9"}, {"$patch": "replace"}]
