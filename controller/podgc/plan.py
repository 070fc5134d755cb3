"""Which pods are to be cleared away. Pure; `controller.py` deletes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from apimachinery.objects import Object, is_deleting, name_of
from controller.conditions import condition_of
from controller.pods import is_finished

TAINT_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def surplus(pods: Sequence[Object], threshold: int) -> list[Object]:
    """Terminated pods beyond `threshold` (0: keep all), the oldest first."""
    if threshold <= 0:
        return []
    done = [pod for pod in pods if is_finished(pod) and not is_deleting(pod)]
    done.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))
    return done[: max(len(done) - threshold, 0)]


def unscheduled_terminating(pods: Sequence[Object]) -> list[Object]:
    """Pods in deletion that no node has: no kubelet will ever finish them."""
    return [pod for pod in pods if is_deleting(pod) and not (pod.get("spec") or {}).get("nodeName")]


def on_nodes(pods: Sequence[Object], names: Collection[str]) -> list[Object]:
    """Pods bound to one of these nodes."""
    return [pod for pod in pods if (pod.get("spec") or {}).get("nodeName") in names]


def stranded(pods: Sequence[Object], nodes: Iterable[Object]) -> list[Object]:
    """Pods in deletion on nodes that are not ready and that someone declared out of service: no kubelet will end them,
    and nothing of them runs (KEP-2268)."""
    names = {name_of(node) for node in nodes if not _is_ready(node) and _is_out_of_service(node)}
    return [pod for pod in on_nodes(pods, names) if is_deleting(pod)]


def _is_ready(node: Object) -> bool:
    return (condition_of(node, "Ready") or {}).get("status") == "True"


def _is_out_of_service(node: Object) -> bool:
    return any(taint["key"] == TAINT_OUT_OF_SERVICE for taint in (node.get("spec") or {}).get("taints") or ())


def bound_elsewhere(pods: Sequence[Object], nodes: Collection[str]) -> set[str]:
    """The names of nodes that pods are bound to and that are not among `nodes`."""
    bound = {(pod.get("spec") or {}).get("nodeName") for pod in pods}
    return {name for name in bound if name and name not in nodes}
