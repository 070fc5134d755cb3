"""The taints that follow from a node's conditions. Pure.

The table is that of "Taint Nodes by Condition" in
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time
from controller.nodelifecycle.health import condition

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"

_BY_CONDITION: dict[str, dict[str, str]] = {
    "Ready": {"False": NOT_READY, "Unknown": UNREACHABLE},
    "MemoryPressure": {"True": "node.kubernetes.io/memory-pressure"},
    "DiskPressure": {"True": "node.kubernetes.io/disk-pressure"},
    "PIDPressure": {"True": "node.kubernetes.io/pid-pressure"},
    "NetworkUnavailable": {"True": "node.kubernetes.io/network-unavailable"},
}
_OURS = {
    *((key, "NoSchedule") for statuses in _BY_CONDITION.values() for key in statuses.values()),
    (UNSCHEDULABLE, "NoSchedule"),
    (NOT_READY, "NoExecute"),
    (UNREACHABLE, "NoExecute"),
}

Taint = dict[str, Any]


def wanted_taints(node: Object, now: datetime, *, evict: bool) -> list[Taint]:
    """All taints the node should have: others' are kept, ours follow its conditions.

    `evict` false keeps the NoExecute taints of an unready node off: nothing is to be evicted (yet)."""
    wanted: list[tuple[str, str]] = []
    for type, statuses in _BY_CONDITION.items():
        key = statuses.get((condition(node, type) or {}).get("status") or "")
        if key:
            wanted.append((key, "NoSchedule"))
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    if evict:
        wanted += [(key, "NoExecute") for key, _ in wanted if key in (NOT_READY, UNREACHABLE)]
    current = (node.get("spec") or {}).get("taints") or []
    known = {(taint["key"], taint["effect"]): taint for taint in current}
    kept = [t for t in current if (t["key"], t["effect"]) not in _OURS or (t["key"], t["effect"]) in wanted]
    new = [
        {"key": key, "effect": effect, "timeAdded": format_time(now)}
        for key, effect in wanted
        if (key, effect) not in known
    ]
    return kept + new
