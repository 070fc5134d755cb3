"""The table of pods, as `kubectl get pods` shows it, and what field selectors see of a pod.

Pure (printPod in k8s.io/kubernetes/pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.kind import Column
from api.table import AGE, NAME, NONE, age, since
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Ready", description="How many of the pod's containers are ready."),
    Column(name="Status", description="The phase, or what keeps the pod from it."),
    Column(name="Restarts", description="How often containers were restarted, and when last."),
    AGE,
    Column(name="IP", priority=1, description="The pod's address."),
    Column(name="Node", priority=1, description="The node the pod runs on."),
    Column(name="Nominated Node", priority=1, description="Where the pod will go once preempted pods are gone."),
    Column(name="Readiness Gates", priority=1, description="How many of the pod's readiness gates are met."),
)

_DONE = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


def row_conditions(pod: Object) -> Sequence[Mapping[str, str]]:
    """A pod that has ended marks its row as completed."""
    done = _DONE.get((pod.get("status") or {}).get("phase") or "")
    return [done] if done else []


class _Summary:
    """What the columns Ready, Status and Restarts say, gathered container by container."""

    def __init__(self, pod: Object) -> None:
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        self.total = len(spec.get("containers") or ())
        self.ready = 0
        self.restarts = 0
        self.last_restart = ""
        self.reason: str = status.get("reason") or status.get("phase") or ""
        conditions = status.get("conditions") or ()
        for condition in conditions:
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "SchedulingGated":
                self.reason = "SchedulingGated"
        initializing = self._init_containers(spec, status)
        if not initializing or _is_true(conditions, "Initialized"):
            self._containers(status)
        if pod["metadata"].get("deletionTimestamp"):
            self.reason = "Unknown" if status.get("reason") == "NodeLost" else "Terminating"

    def _count_restarts(self, container: Mapping[str, Any]) -> None:
        self.restarts += container.get("restartCount") or 0
        finished = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        self.last_restart = max(self.last_restart, finished)

    def _init_containers(self, spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
        """Whether an init container still stands between the pod and its containers; it gives the reason then."""
        init = spec.get("initContainers") or ()
        sidecars = {c.get("name") for c in init if c.get("restartPolicy") == "Always"}
        self.total += len(sidecars)
        sidecar_restarts, sidecar_last = 0, ""
        initializing = False
        for index, container in enumerate(status.get("initContainerStatuses") or ()):
            before = self.restarts
            self._count_restarts(container)
            if container.get("name") in sidecars:
                sidecar_restarts += self.restarts - before
                sidecar_last = max(sidecar_last, self.last_restart)
            terminated = (container.get("state") or {}).get("terminated")
            if terminated is not None and not terminated.get("exitCode"):
                continue
            if container.get("name") in sidecars and container.get("started"):
                self.ready += bool(container.get("ready"))
                continue
            initializing = True
            self.reason = _init_reason(container, index, len(init))
            break
        if not initializing or _is_true(status.get("conditions") or (), "Initialized"):
            self.restarts, self.last_restart = sidecar_restarts, sidecar_last
        return initializing

    def _containers(self, status: Mapping[str, Any]) -> None:
        running = False
        for container in reversed(status.get("containerStatuses") or ()):
            self._count_restarts(container)
            state = container.get("state") or {}
            waiting, terminated = state.get("waiting"), state.get("terminated")
            if waiting and waiting.get("reason"):
                self.reason = waiting["reason"]
            elif terminated is not None:
                self.reason = terminated.get("reason") or _exit_reason(terminated)
            elif container.get("ready") and "running" in state:
                running = True
                self.ready += 1
        if self.reason == "Completed" and running:
            ready = _is_true(status.get("conditions") or (), "Ready")
            self.reason = "Running" if ready else "NotReady"


def _exit_reason(terminated: Mapping[str, Any]) -> str:
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _init_reason(container: Mapping[str, Any], index: int, count: int) -> str:
    state = container.get("state") or {}
    if (terminated := state.get("terminated")) is not None:
        return f"Init:{terminated.get('reason') or _exit_reason(terminated)}"
    waiting = (state.get("waiting") or {}).get("reason") or ""
    if waiting and waiting != "PodInitializing":
        return f"Init:{waiting}"
    return f"Init:{index}/{count}"


def _is_true(conditions: Sequence[Mapping[str, Any]], kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in conditions)


def cells(pod: Object, now: datetime) -> list[Any]:
    """One row."""
    summary = _Summary(pod)
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart:
        restarts = f"{summary.restarts} ({since(summary.last_restart, now)} ago)"
    addresses = status.get("podIPs") or ()
    return [
        pod["metadata"].get("name"),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        age(pod, now),
        (addresses[0].get("ip") if addresses else "") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _readiness_gates(spec, status),
    ]


def _readiness_gates(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    met = sum(_is_true(status.get("conditions") or (), gate.get("conditionType") or "") for gate in gates)
    return f"{met}/{len(gates)}"


def _spec_field(name: str) -> Callable[[Object], str]:
    return lambda pod: (pod.get("spec") or {}).get(name) or ""


def _status_field(name: str) -> Callable[[Object], str]:
    return lambda pod: (pod.get("status") or {}).get(name) or ""


def _pod_ip(pod: Object) -> str:
    addresses = (pod.get("status") or {}).get("podIPs") or ()
    return (addresses[0].get("ip") or "") if addresses else ""


def _host_network(pod: Object) -> str:
    return "true" if (pod.get("spec") or {}).get("hostNetwork") else "false"


SELECTABLE: Mapping[str, Callable[[Object], str]] = {
    "spec.nodeName": _spec_field("nodeName"),
    "spec.restartPolicy": _spec_field("restartPolicy"),
    "spec.schedulerName": _spec_field("schedulerName"),
    "spec.serviceAccountName": _spec_field("serviceAccountName"),
    "spec.hostNetwork": _host_network,
    "status.phase": _status_field("phase"),
    "status.podIP": _pod_ip,
    "status.nominatedNodeName": _status_field("nominatedNodeName"),
}
