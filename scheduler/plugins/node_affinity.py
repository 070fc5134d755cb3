"""NodeAffinity: nodeSelector and node affinity, required and preferred. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from api.placement.nodeselector import (
    pod_matches_node,
    required_node_affinity,
    required_node_names,
    term_matches,
)
from scheduler.framework import NodeCheck, OnlyNodes, Reject, normalize
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(("node(s) didn't match Pod's node affinity/selector",), resolvable=False)


class NodeAffinity:
    """Filter by nodeSelector and required terms; score by the weights of preferred terms that match."""

    name: ClassVar[str] = "NodeAffinity"
    local: ClassVar[bool] = True
    weight: ClassVar[int] = 2

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where the pod is choosy."""
        spec = pod.spec
        if not spec.get("nodeSelector") and required_node_affinity(spec) is None:
            return None

        def check(node: NodeInfo) -> Reject | None:
            return None if node.node is not None and pod_matches_node(spec, node.node) else _REJECT

        return check

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int] | None:
        """The sum of the weights of the preferred terms that select the node."""
        affinity = (pod.spec.get("affinity") or {}).get("nodeAffinity") or {}
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution")
        if not preferred:
            return None
        return normalize(
            [
                sum(term["weight"] for term in preferred if node.node and term_matches(term["preference"], node.node))
                for node in nodes
            ]
        )


def only_nodes(pod: PodInfo) -> OnlyNodes | None:
    """The nodes that the pod's required terms name, where they name them all (the pods of a DaemonSet)."""
    names = required_node_names(pod.spec)
    return None if names is None else OnlyNodes(names)
