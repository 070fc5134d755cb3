"""The status of each container of a pod, from what the runtime reports.

Pure; the rules are those of convertToAPIContainerStatuses in pkg/kubelet/kubelet_pods.go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time
from kubelet.plan.actions import should_restart
from kubelet.plan.records import ContainerRecord, PodRecord

Status = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StartError:
    """Why a container could not be started the last time: a waiting reason and its message."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the probes say, by container id: an id that is absent has no such probe."""

    ready: Mapping[str, bool] = field(default_factory=dict)
    started: Mapping[str, bool] = field(default_factory=dict)


def container_statuses(
    pod: Object, seen: PodRecord, errors: Mapping[str, StartError], readiness: Readiness, has_init: bool, is_init: bool
) -> list[Status]:
    """The statuses of the pod's init containers (`is_init`) or of its containers. `has_init`: whether init containers
    have still to run; `errors`: the last failed start of each container."""
    specs: Sequence[dict[str, Any]] = pod["spec"].get("initContainers" if is_init else "containers") or ()
    old = _old_statuses(pod, is_init)
    result = []
    for spec in specs:
        status = _one(pod, spec, seen, errors, has_init, old.get(spec["name"]))
        _set_ready(status, seen.latest(spec["name"]), readiness, is_init)
        result.append(status)
    return result if is_init else sorted(result, key=lambda status: status["name"])


def ephemeral_statuses(pod: Object, seen: PodRecord, errors: Mapping[str, StartError]) -> list[Status]:
    """The statuses of the pod's ephemeral containers; they are never ready."""
    specs = pod["spec"].get("ephemeralContainers") or ()
    result = []
    for spec in specs:
        status = _one(pod, spec, seen, errors, False, None)
        status["ready"] = False
        result.append(status)
    return sorted(result, key=lambda status: status["name"])


def _old_statuses(pod: Object, is_init: bool) -> dict[str, Status]:
    field_name = "initContainerStatuses" if is_init else "containerStatuses"
    return {status["name"]: status for status in (pod.get("status") or {}).get(field_name) or ()}


def _one(
    pod: Object, spec: dict[str, Any], seen: PodRecord, errors: Mapping[str, StartError], has_init: bool,
    old: Status | None,
) -> Status:  # fmt: skip
    records = seen.attempts(spec["name"])
    if not records:
        return _without_record(spec, errors.get(spec["name"]), has_init, old)
    newest = records[0]
    status = from_record(newest)
    if "waiting" in status["state"]:
        status["state"] = _not_started(has_init)
    if len(records) > 1:
        last = from_record(records[1])["state"]
        if "terminated" in last:
            status["lastState"] = last
    elif newest.attempt and old and (old.get("lastState") or {}).get("terminated"):
        status["lastState"] = {"terminated": old["lastState"]["terminated"]}
    error = errors.get(spec["name"])
    if error is not None and not newest.running and should_restart(pod, newest):
        if "terminated" in status["state"]:
            status["lastState"] = status["state"]
        status["state"] = {"waiting": _waiting(error.reason, error.message)}
    return status


def _without_record(spec: dict[str, Any], error: StartError | None, has_init: bool, old: Status | None) -> Status:
    status: Status = {
        "name": spec["name"],
        "state": _not_started(has_init),
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": spec.get("image") or "",
        "imageID": "",
        "started": False,
    }
    if old:
        status["restartCount"] = old.get("restartCount") or 0
        status["lastState"] = old.get("lastState") or {}
        if "terminated" in (old.get("state") or {}):
            # It has run, and the runtime no longer has it: what was known of it stays.
            status.update({key: old[key] for key in ("state", "image", "imageID", "containerID") if key in old})
            return status
        if "running" in (old.get("state") or {}):
            status["lastState"] = {"terminated": _lost(old)}
    if error is not None:
        status["state"] = {"waiting": _waiting(error.reason, error.message)}
    return status


def _not_started(has_init: bool) -> dict[str, Any]:
    return {"waiting": {"reason": "PodInitializing" if has_init else "ContainerCreating"}}


def _lost(old: Status) -> dict[str, Any]:
    return {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was deleted.  The container used to be Running",
        "startedAt": None,
        "finishedAt": None,
        **({"containerID": old["containerID"]} if old.get("containerID") else {}),
    }


def _waiting(reason: str, message: str) -> dict[str, str]:
    return {"reason": reason, "message": message} if message else {"reason": reason}


def from_record(record: ContainerRecord) -> Status:
    """The status of one container as the runtime reports it; `ready` and `started` are not decided here."""
    return {
        "name": record.name,
        "state": _state(record),
        "lastState": {},
        "ready": False,
        "restartCount": record.attempt,
        "image": record.image,
        "imageID": record.image_id,
        **({"containerID": container_id(record)} if record.state != "created" else {}),
        "started": False,
    }


def container_id(record: ContainerRecord) -> str:
    """docker://ID."""
    return f"docker://{record.id}"


def _state(record: ContainerRecord) -> dict[str, Any]:
    if record.state == "running":
        return {"running": {"startedAt": _time(record.started_at)}}
    if record.state == "exited":
        terminated: dict[str, Any] = {"exitCode": record.exit_code}
        if record.reason:
            terminated["reason"] = record.reason
        if record.message:
            terminated["message"] = record.message
        terminated["startedAt"] = _time(record.started_at)
        terminated["finishedAt"] = _time(record.finished_at)
        terminated["containerID"] = container_id(record)
        return {"terminated": terminated}
    return _not_started(has_init=False)


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _set_ready(status: Status, record: ContainerRecord | None, readiness: Readiness, is_init: bool) -> None:
    if is_init:
        terminated = status["state"].get("terminated")
        status["ready"] = bool(terminated) and terminated.get("exitCode") == 0
        status["started"] = bool(record and record.running)
        return
    if record is None or not record.running:
        return
    started = readiness.started.get(record.id, True)
    status["started"] = started
    status["ready"] = started and readiness.ready.get(record.id, True)
