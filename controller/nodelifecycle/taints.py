"""The taints that follow from a node's conditions. Pure.

The table is that of "Taint Nodes by Condition" in
https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.placement.tolerations import (
    NO_EXECUTE,
    NO_SCHEDULE,
    TAINT_DISK_PRESSURE,
    TAINT_MEMORY_PRESSURE,
    TAINT_NETWORK_UNAVAILABLE,
    TAINT_NOT_READY,
    TAINT_PID_PRESSURE,
    TAINT_UNREACHABLE,
    TAINT_UNSCHEDULABLE,
)
from apimachinery.objects import Object, format_time
from controller.conditions import condition_of

_BY_CONDITION: dict[str, dict[str, str]] = {
    "Ready": {"False": TAINT_NOT_READY, "Unknown": TAINT_UNREACHABLE},
    "MemoryPressure": {"True": TAINT_MEMORY_PRESSURE},
    "DiskPressure": {"True": TAINT_DISK_PRESSURE},
    "PIDPressure": {"True": TAINT_PID_PRESSURE},
    "NetworkUnavailable": {"True": TAINT_NETWORK_UNAVAILABLE},
}
_OURS = {
    *((key, NO_SCHEDULE) for statuses in _BY_CONDITION.values() for key in statuses.values()),
    (TAINT_UNSCHEDULABLE, NO_SCHEDULE),
    (TAINT_NOT_READY, NO_EXECUTE),
    (TAINT_UNREACHABLE, NO_EXECUTE),
}

Taint = dict[str, Any]


def is_being_evicted(node: Object) -> bool:
    """Whether it has the NoExecute taint of an unready node."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return any(t["effect"] == NO_EXECUTE and t["key"] in (TAINT_NOT_READY, TAINT_UNREACHABLE) for t in taints)


def wanted_taints(node: Object, now: datetime, *, evict: bool) -> list[Taint]:
    """All taints the node should have: others' are kept, ours follow its conditions.

    `evict` false keeps the NoExecute taints of an unready node off: nothing is to be evicted (yet)."""
    wanted: list[tuple[str, str]] = []
    for type, statuses in _BY_CONDITION.items():
        key = statuses.get((condition_of(node, type) or {}).get("status") or "")
        if key:
            wanted.append((key, NO_SCHEDULE))
    if (node.get("spec") or {}).get("unschedulable"):
        wanted.append((TAINT_UNSCHEDULABLE, NO_SCHEDULE))
    if evict:
        wanted += [(key, NO_EXECUTE) for key, _ in wanted if key in (TAINT_NOT_READY, TAINT_UNREACHABLE)]
    current = (node.get("spec") or {}).get("taints") or []
    known = {(taint["key"], taint["effect"]): taint for taint in current}
    kept = [t for t in current if (t["key"], t["effect"]) not in _OURS or (t["key"], t["effect"]) in wanted]
    new = [
        {"key": key, "effect": effect, "timeAdded": format_time(now)}
        for key, effect in wanted
        if (key, effect) not in known
    ]
    return kept + new
