"""Which pods are cleared away."""

from __future__ import annotations

from apimachinery.objects import Object
from controller.podgc.plan import bound_elsewhere, on_nodes, stranded, surplus, unscheduled_terminating


def _pod(name: str, *, phase: str = "Running", node: str = "n1", created: int = 1, deleting: bool = False) -> Object:
    meta: Object = {"name": name, "creationTimestamp": f"2026-01-0{created}T00:00:00Z"}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-09T00:00:00Z"
    return {"metadata": meta, "spec": {"nodeName": node} if node else {}, "status": {"phase": phase}}


def _names(pods: list[Object]) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]


def test_the_oldest_terminated_pods_go_first() -> None:
    pods = [
        _pod("c", phase="Failed", created=3),
        _pod("a", phase="Succeeded", created=1),
        _pod("b", phase="Failed", created=2),
        _pod("running", created=1),
    ]
    assert _names(surplus(pods, 1)) == ["a", "b"]
    assert surplus(pods, 0) == []


def test_pods_in_deletion_that_no_kubelet_has() -> None:
    pods = [_pod("a", node="", deleting=True), _pod("b", node=""), _pod("c", deleting=True)]
    assert _names(unscheduled_terminating(pods)) == ["a"]


def test_pods_of_lost_nodes() -> None:
    pods = [_pod("a", node="gone"), _pod("b"), _pod("c", node="")]
    assert bound_elsewhere(pods, {"n1"}) == {"gone"}
    assert _names(on_nodes(pods, {"gone"})) == ["a"]


def test_pods_in_deletion_on_nodes_that_someone_declared_out_of_service() -> None:
    def node(name: str, ready: str, *taints: str) -> Object:
        return {
            "metadata": {"name": name},
            "spec": {"taints": [{"key": key, "effect": "NoExecute"} for key in taints]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }

    taint = "node.kubernetes.io/out-of-service"
    nodes = [node("n1", "Unknown", taint), node("alive", "True", taint), node("silent", "Unknown")]
    pods = [_pod("a", deleting=True), _pod("b"), *(_pod(n, node=n, deleting=True) for n in ("alive", "silent"))]
    assert _names(stranded(pods, nodes)) == ["a"]
