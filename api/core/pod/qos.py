"""The quality-of-service class of a pod: which pods give way first when a node runs short. Pure."""

from __future__ import annotations

from typing import Any

from apimachinery import quantity

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_COMPUTE = ("cpu", "memory")


def qos_class(spec: dict[str, Any]) -> str:
    """Guaranteed: every container limits cpu and memory to what it requests; BestEffort: none asks for anything."""
    guaranteed, any_set = True, False
    requests: dict[str, quantity.Quantity] = {}
    limits: dict[str, quantity.Quantity] = {}
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            resources = container.get("resources") or {}
            requested = _add(resources.get("requests"), requests)
            limited = _add(resources.get("limits"), limits)
            any_set = any_set or requested + limited > 0
            if limited < len(_COMPUTE):
                guaranteed = False
    if not any_set:
        return BEST_EFFORT
    if guaranteed and len(requests) == len(limits) and all(limits.get(n) == v for n, v in requests.items()):
        return GUARANTEED
    return BURSTABLE


def _add(resources: dict[str, str] | None, totals: dict[str, quantity.Quantity]) -> int:
    """Add the compute resources to the totals; how many of them are more than nothing."""
    if not resources:
        return 0
    count = 0
    for name in _COMPUTE:
        text = resources.get(name)
        if text is not None and (value := quantity.parse(text)):
            totals[name] = totals[name] + value if name in totals else value
            count += 1
    return count
