"""The whole status of a pod: phase, conditions, container statuses, addresses. Pure.

`phase.py` and `container_status.py` decide the parts; `kubelet/status.py` writes the result to the API server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time
from kubelet.plan.actions import next_init_container
from kubelet.plan.container_status import Readiness, StartError, container_statuses, ephemeral_statuses
from kubelet.plan.phase import DISRUPTION, conditions, is_owned, pod_phase
from kubelet.plan.qos import qos_class
from kubelet.plan.records import PodRecord

TERMINAL = ("Succeeded", "Failed")


def pod_status(
    pod: Object, seen: PodRecord, *, errors: Mapping[str, StartError], readiness: Readiness, host_ip: str,
    pod_ip: str, now: datetime, terminating: bool = False, failure: tuple[str, str] | None = None,
    disruption: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The status to be written. `failure` (reason, message) fails the pod whatever its containers do (eviction,
    deadline), `disruption` is the condition that goes with it; `terminating`: nothing will be started any more."""
    old = pod.get("status") or {}
    _, init_done, _ = next_init_container(pod, seen)
    has_init = bool(pod["spec"].get("initContainers"))
    init = container_statuses(pod, seen, errors, readiness, has_init=has_init, is_init=True)
    containers = container_statuses(
        pod, seen, {} if not init_done else errors, readiness, has_init=has_init, is_init=False
    )
    phase = _phase(pod, old, containers, init, terminating and not seen.running, failure)
    moment = format_time(now)
    old_conditions = old.get("conditions") or ()
    status: dict[str, Any] = {
        "phase": phase,
        "conditions": conditions(pod, phase, containers, init, old_conditions, moment),
        "hostIP": host_ip,
        "startTime": old.get("startTime") or moment,
        "containerStatuses": containers,
        "qosClass": old.get("qosClass") or qos_class(pod),
    }
    if pod_ip:
        status["podIP"] = pod_ip
        status["podIPs"] = [{"ip": pod_ip}]
    if init:
        status["initContainerStatuses"] = init
    ephemeral = ephemeral_statuses(pod, seen, errors)
    if ephemeral:
        status["ephemeralContainerStatuses"] = ephemeral
    reason, message = failure or (old.get("reason") or "", old.get("message") or "")
    if phase == "Failed" and reason:
        status["reason"] = reason
        status["message"] = message
    if phase == "Failed" and not (seen.containers or seen.sandboxes or old.get("containerStatuses")):
        status.pop("containerStatuses", None)  # turned away before anything was made of it
        status.pop("initContainerStatuses", None)
    status["conditions"] += [c for c in old_conditions if not is_owned(c)]
    if disruption is not None and not any(c["type"] == DISRUPTION for c in status["conditions"]):
        status["conditions"].append(dict(disruption))
    return status


def _phase(
    pod: Object, old: Mapping[str, Any], containers: list[dict[str, Any]], init: list[dict[str, Any]],
    ended: bool, failure: tuple[str, str] | None,
) -> str:  # fmt: skip
    before: str = old.get("phase") or ""
    if before in TERMINAL:
        return before  # a pod that has ended never goes back
    if failure is not None:
        return "Failed"
    statuses = {status["name"]: status for status in (*containers, *init)}
    phase = pod_phase(pod, statuses, is_terminal=ended)
    if ended and phase not in TERMINAL:
        return "Failed"  # deleted before everything had started, or stopped by us
    return phase


def status_patch(pod: Object, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The strategic merge patch that turns the pod's status into `wanted`; None when nothing differs.

    Conditions are merged by type, so that those of other writers survive."""
    old: Mapping[str, Any] = pod.get("status") or {}
    changes: dict[str, Any] = {}
    for field_name in _FIELDS:
        if old.get(field_name) == wanted.get(field_name):
            continue
        if field_name in wanted:
            changes[field_name] = wanted[field_name]
            if field_name == "podIPs":
                # Merged by ip otherwise: a pod with a new sandbox would keep the address of the old one.
                changes[field_name] = [*wanted[field_name], {"$patch": "replace"}]
        elif old.get(field_name):
            changes[field_name] = None
    before = {c["type"]: c for c in old.get("conditions") or ()}
    own = [c for c in wanted.get("conditions") or () if is_owned(c)]
    changed = [_condition_change(before.get(c["type"]), c) for c in own if before.get(c["type"]) != c]
    if changed:
        changes["conditions"] = changed
    if not changes:
        return None
    return {"metadata": {"uid": pod["metadata"]["uid"]}, "status": changes}


def _condition_change(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    change = dict(new)
    for key in ("reason", "message"):
        if old and old.get(key) and key not in change:
            change[key] = None
    return change


_FIELDS = (
    "phase", "hostIP", "podIP", "podIPs", "startTime", "containerStatuses", "initContainerStatuses",
    "ephemeralContainerStatuses", "reason", "message", "qosClass",
)  # fmt: skip
