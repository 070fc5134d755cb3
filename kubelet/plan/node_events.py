"""What is told about a node whose status was written: the Events of the real kubelet (pkg/kubelet/nodestatus/setters.go
and recordNodeSchedulableEvent in pkg/kubelet/kubelet_node_status.go). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apimachinery.objects import Object


@dataclass(frozen=True, slots=True)
class NodeEvent:
    """One Event; without a text it is told as "Node NAME status is now: REASON"."""

    type: str
    reason: str
    text: str = ""


def status_events(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[NodeEvent]:
    """What the new status says that the old one did not. Of a new node's readiness nothing is told: it is no change."""
    events = []
    booted, boot = (status.get("nodeInfo", {}).get("bootID") for status in (old, new))
    if booted and booted != boot:
        events.append(NodeEvent("Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {boot}"))
    before = {condition["type"]: condition.get("status") for condition in old.get("conditions") or ()}
    for condition in new["conditions"]:
        kind, status = condition["type"], condition["status"]
        if kind == "NetworkUnavailable" or before.get(kind) == status:
            continue
        if kind != "Ready":
            events.append(NodeEvent("Normal", condition["reason"].replace("Kubelet", "Node", 1)))
        elif kind in before:
            events.append(NodeEvent("Normal", "NodeReady" if status == "True" else "NodeNotReady"))
    return events


def schedulable_events(cordoned: bool, node: Object) -> list[NodeEvent]:
    """What `kubectl cordon` and `uncordon` have changed; `cordoned` says how it was."""
    now = bool((node.get("spec") or {}).get("unschedulable"))
    if now == cordoned:
        return []
    return [NodeEvent("Normal", "NodeNotSchedulable" if now else "NodeSchedulable")]
