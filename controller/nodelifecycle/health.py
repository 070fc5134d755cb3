"""Whether a node still reports, and what its conditions become when it does not. Pure.

After pkg/controller/nodelifecycle: a node reports by its Lease or its status; silence for longer than the grace period
makes its conditions Unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time
from controller.conditions import condition_of

#: What a kubelet reports; each becomes Unknown with it.
REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(slots=True)
class Health:
    """When a node was last heard of, by our own clock: the node's clock may differ."""

    signs: tuple[str, str]  #: the Lease's renewTime and the Ready condition's lastHeartbeatTime as last seen
    heard_at: float  #: monotonic seconds


def signs_of_life(node: Object, lease: Object | None) -> tuple[str, str]:
    """What changes whenever the kubelet reports."""
    ready = condition_of(node, "Ready") or {}
    return ((lease or {}).get("spec") or {}).get("renewTime") or "", ready.get("lastHeartbeatTime") or ""


def observe(health: Health | None, node: Object, lease: Object | None, now: float) -> Health:
    """The node's health after looking at it at `now` (monotonic seconds)."""
    signs = signs_of_life(node, lease)
    if health is None or health.signs != signs:
        return Health(signs, now)
    return health


def is_silent(health: Health, node: Object, now: float, *, grace_seconds: float, startup_grace_seconds: float) -> bool:
    """Whether the node has not reported for too long; one that never did has longer."""
    grace = grace_seconds if condition_of(node, "Ready") else startup_grace_seconds
    return now - health.heard_at > grace


def unknown_conditions(node: Object, now: datetime) -> list[dict[str, Any]] | None:
    """The conditions of a silent node; None where they say so already."""
    current = (node.get("status") or {}).get("conditions") or []
    by_type = {c["type"]: c for c in current}
    changed = False
    for type in REPORTED:
        old = by_type.get(type)
        if old is not None and old["status"] == "Unknown":
            continue
        changed = True
        by_type[type] = _unknown(type, old, node, format_time(now))
    return list(by_type.values()) if changed else None


def _unknown(type: str, old: dict[str, Any] | None, node: Object, now: str) -> dict[str, Any]:
    if old is None:
        return {
            "type": type, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
            "message": "Kubelet never posted node status.",
            "lastHeartbeatTime": node["metadata"].get("creationTimestamp"), "lastTransitionTime": now,
        }  # fmt: skip
    return {
        **old, "status": "Unknown", "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.", "lastTransitionTime": now,
    }  # fmt: skip
