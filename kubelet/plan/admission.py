"""Whether this node takes a pod that was bound to it: resources, host ports, node selector. Pure.

The rules and texts are those of pkg/kubelet/lifecycle/predicate.go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery.objects import Object
from kubelet.plan.qos import milli, whole


def pod_requests(pod: Object) -> dict[str, int]:
    """cpu in thousandths, the others in bytes: the sum of the containers or the largest init container."""
    total = {"cpu": 0, "memory": 0, "ephemeral-storage": 0}
    for container in pod["spec"]["containers"]:
        for name, amount in _requests(container).items():
            total[name] += amount
    for container in pod["spec"].get("initContainers") or ():
        for name, amount in _requests(container).items():
            total[name] = max(total[name], amount)
    for name, text in (pod["spec"].get("overhead") or {}).items():
        if name in total:
            total[name] += milli(text) if name == "cpu" else whole(text)
    return total


def _requests(container: Mapping[str, Any]) -> dict[str, int]:
    requests = (container.get("resources") or {}).get("requests") or {}
    result = {}
    for name in ("cpu", "memory", "ephemeral-storage"):
        if name in requests:
            result[name] = milli(requests[name]) if name == "cpu" else whole(requests[name])
    return result


def rejection(
    pod: Object, others: Iterable[Object], allocatable: Mapping[str, str], node_labels: Mapping[str, str]
) -> tuple[str, str] | None:
    """(reason, message) of the Failed pod; None when the node takes it."""
    others = list(others)
    limit = int(allocatable.get("pods") or 0)
    if limit and len(others) + 1 > limit:
        return _out_of("pods", 1, len(others), limit)
    wanted = pod_requests(pod)
    for name, short in (("cpu", "cpu"), ("memory", "memory"), ("ephemeral-storage", "ephemeral-storage")):
        if not wanted[name] or name not in allocatable:
            continue
        capacity = milli(allocatable[name]) if name == "cpu" else whole(allocatable[name])
        used = sum(pod_requests(other)[name] for other in others)
        if used + wanted[name] > capacity:
            return _out_of(short, wanted[name], used, capacity)
    selector = pod["spec"].get("nodeSelector") or {}
    if any(node_labels.get(key) != value for key, value in selector.items()):
        return (
            "NodeAffinity",
            "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        )
    taken = {port for other in others for port in _host_ports(other)}
    if any(_conflicts(port, taken) for port in _host_ports(pod)):
        text = "node(s) didn't have free ports for the requested pod ports"
        return "NodePorts", f"Pod was rejected: Predicate NodePorts failed: {text}"
    return None


def _out_of(resource: str, requested: int, used: int, capacity: int) -> tuple[str, str]:
    return (
        f"OutOf{resource}",
        f"Pod was rejected: Node didn't have enough resource: {resource}, requested: {requested}, "
        f"used: {used}, capacity: {capacity}",
    )


def _host_ports(pod: Object) -> list[tuple[str, str, int]]:
    return [
        (port.get("hostIP") or "0.0.0.0", port.get("protocol") or "TCP", port["hostPort"])
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def _conflicts(port: tuple[str, str, int], taken: set[tuple[str, str, int]]) -> bool:
    return any(port[1:] == other[1:] and (port[0] == other[0] or "0.0.0.0" in (port[0], other[0])) for other in taken)
