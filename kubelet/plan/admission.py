"""Whether this node takes a pod that was bound to it: resources, host ports, node selector and affinity, taints. Pure.

The rules and texts are those of pkg/kubelet/lifecycle/predicate.go; the scheduler asked the same, yet a pod may have
been bound by hand, or the node has changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.placement.nodeselector import pod_matches_node
from api.placement.resources import amount, host_ports, pod_requests
from api.placement.tolerations import NO_EXECUTE, first_untolerated
from apimachinery.objects import Object
from kubelet.plan.static_pods import is_static

Rejection = tuple[str, str]


def rejection(
    pod: Object, others: Iterable[Object], allocatable: Mapping[str, str], node: Object | None
) -> Rejection | None:
    """(reason, message) of the Failed pod; None when the node takes it. `node` None: the API server has not told of it
    yet, and only what the machine itself has is looked at."""
    others = list(others)
    return (
        _resources(pod, others, allocatable) or (_node(pod, node) if node is not None else None) or _ports(pod, others)
    )


def _resources(pod: Object, others: list[Object], allocatable: Mapping[str, str]) -> Rejection | None:
    limit = int(allocatable.get("pods") or 0)
    if limit and len(others) + 1 > limit:
        return _out_of("pods", 1, len(others), limit)
    used = [pod_requests(other) for other in others]
    for name, wanted in pod_requests(pod).items():
        # What the node does not have at all is somebody else's to give: an extended resource.
        if not wanted or name not in allocatable:
            continue
        taken, capacity = sum(one.get(name, 0) for one in used), amount(name, allocatable[name])
        if taken + wanted > capacity:
            return _out_of(name, wanted, taken, capacity)
    return None


def _node(pod: Object, node: Object) -> Rejection | None:
    if not pod_matches_node(pod["spec"], node):
        return _failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector")
    taints = (node.get("spec") or {}).get("taints") or ()
    untolerated = first_untolerated(taints, pod["spec"].get("tolerations") or (), (NO_EXECUTE,))
    if untolerated is not None and not is_static(pod):
        return _failed("TaintToleration", "node(s) had taints that the pod didn't tolerate")
    return None


def _ports(pod: Object, others: list[Object]) -> Rejection | None:
    taken = {port for other in others for port in host_ports(other)}
    if any(_conflicts(port, taken) for port in host_ports(pod)):
        return _failed("NodePorts", "node(s) didn't have free ports for the requested pod ports")
    return None


def _failed(predicate: str, why: str) -> Rejection:
    return predicate, f"Pod was rejected: Predicate {predicate} failed: {why}"


def _out_of(resource: str, requested: int, used: int, capacity: int) -> Rejection:
    return (
        f"OutOf{resource}",
        f"Pod was rejected: Node didn't have enough resource: {resource}, requested: {requested}, "
        f"used: {used}, capacity: {capacity}",
    )


def _conflicts(port: tuple[str, str, int], taken: set[tuple[str, str, int]]) -> bool:
    protocol, address, number = port
    return any(
        (protocol, number) == (other[0], other[2]) and (address == other[1] or "0.0.0.0" in (address, other[1]))
        for other in taken
    )
