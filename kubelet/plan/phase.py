"""The phase and conditions of a pod, from its container statuses.

Pure; the rules are those of getPhase (pkg/kubelet/kubelet_pods.go) and pkg/kubelet/status/generate.go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apimachinery.objects import Object
from kubelet.plan.actions import restart_policy

Status = dict[str, Any]

#: Conditions that the kubelet owns; those of others are kept as they are.
OWNED_CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
#: Whoever ends a pod for the cluster's sake says so; the kubelet writes it with this reason alone (KEP-3329).
DISRUPTION, BY_KUBELET = "DisruptionTarget", "TerminationByKubelet"


def is_owned(condition: Mapping[str, Any]) -> bool:
    """Whether a condition is the kubelet's to write."""
    if condition["type"] == DISRUPTION:
        return condition.get("reason") == BY_KUBELET
    return condition["type"] in OWNED_CONDITIONS


def pod_phase(pod: Object, statuses: Mapping[str, Status], is_terminal: bool = False) -> str:
    """Pending, Running, Succeeded or Failed; `statuses` by container name, init containers among them."""
    pending_init, failed_init = _count_init(pod, statuses)
    policy = restart_policy(pod)
    if failed_init and policy == "Never":
        return "Failed"
    counts = {"unknown": 0, "running": 0, "waiting": 0, "stopped": 0, "succeeded": 0}
    for container in pod["spec"]["containers"]:
        for kind in _kinds(statuses.get(container["name"])):
            counts[kind] += 1
    if pending_init or counts["waiting"]:
        return "Pending"
    if counts["running"] and not counts["unknown"]:
        return "Running"
    if counts["stopped"] and not counts["unknown"]:
        all_succeeded = counts["stopped"] == counts["succeeded"]
        if is_terminal:
            return "Succeeded" if all_succeeded else "Failed"
        if policy == "Always":
            return "Running"
        if all_succeeded:
            return "Succeeded"
        return "Failed" if policy == "Never" else "Running"
    return "Pending"


def _kinds(status: Status | None) -> tuple[str, ...]:
    if status is None:
        return ("unknown",)
    state = status.get("state") or {}
    if "running" in state:
        return ("running",)
    if "terminated" in state:
        return ("stopped", "succeeded") if state["terminated"].get("exitCode") == 0 else ("stopped",)
    if "waiting" in state:
        return ("stopped",) if (status.get("lastState") or {}).get("terminated") else ("waiting",)
    return ("unknown",)


def _count_init(pod: Object, statuses: Mapping[str, Status]) -> tuple[int, int]:
    pending = failed = 0
    for container in pod["spec"].get("initContainers") or ():
        status = statuses.get(container["name"])
        if status is None:
            pending += 1
            continue
        state = status.get("state") or {}
        last = (status.get("lastState") or {}).get("terminated")
        if "terminated" in state:
            failed += state["terminated"].get("exitCode") != 0
            continue
        if "waiting" in state and last:
            failed += last.get("exitCode") != 0
            if last.get("exitCode") == 0:
                continue
        pending += 1
    return pending, failed


def conditions(
    pod: Object, phase: str, containers: Sequence[Status], init: Sequence[Status], old: Sequence[Mapping[str, Any]],
    now: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """The kubelet's four conditions, their transition times kept from `old` where nothing changed."""
    ready = _containers_ready(pod, phase, containers)
    fresh = [
        {"type": "Initialized", **_initialized(pod, phase, init)},
        {"type": "Ready", **_with_gates(pod, ready, old)},
        {"type": "ContainersReady", **ready},
        {"type": "PodScheduled", "status": "True"},
    ]
    before = {condition["type"]: condition for condition in old}
    for condition in fresh:
        was = before.get(condition["type"])
        same = was is not None and was.get("status") == condition["status"]
        condition["lastProbeTime"] = None
        condition["lastTransitionTime"] = (was or {}).get("lastTransitionTime") if same else now
    return fresh


def _initialized(pod: Object, phase: str, init: Sequence[Status]) -> dict[str, Any]:
    wanted = [container["name"] for container in pod["spec"].get("initContainers") or ()]
    by_name = {status["name"]: status for status in init}
    incomplete = [name for name in wanted if not (by_name.get(name) or {}).get("ready")]
    if phase == "Succeeded" and wanted and not incomplete:
        return {"status": "True", "reason": "PodCompleted"}
    if phase == "Succeeded" and not wanted:
        return {"status": "True", "reason": "PodCompleted"}
    if incomplete:
        text = f"containers with incomplete status: [{' '.join(incomplete)}]"
        return {"status": "False", "reason": "ContainersNotInitialized", "message": text}
    return {"status": "True"}


def _containers_ready(pod: Object, phase: str, containers: Sequence[Status]) -> dict[str, Any]:
    if phase == "Succeeded":
        return {"status": "False", "reason": "PodCompleted"}
    if phase == "Failed":
        return {"status": "False", "reason": "PodFailed"}
    by_name = {status["name"]: status for status in containers}
    names = [container["name"] for container in pod["spec"]["containers"]]
    unknown = [name for name in names if name not in by_name]
    unready = [name for name in names if name in by_name and not by_name[name].get("ready")]
    messages = []
    if unknown:
        messages.append(f"containers with unknown status: [{' '.join(unknown)}]")
    if unready:
        messages.append(f"containers with unready status: [{' '.join(unready)}]")
    if messages:
        return {"status": "False", "reason": "ContainersNotReady", "message": ", ".join(messages)}
    return {"status": "True"}


def _with_gates(pod: Object, ready: dict[str, Any], old: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if ready["status"] != "True":
        return dict(ready)
    by_type = {condition["type"]: condition for condition in old}
    messages = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in by_type:
            messages.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif by_type[kind].get("status") != "True":
            messages.append(f'the status of pod readiness gate "{kind}" is not "True", but {by_type[kind]["status"]}')
    if messages:
        return {"status": "False", "reason": "ReadinessGatesNotReady", "message": ", ".join(messages)}
    return dict(ready)
