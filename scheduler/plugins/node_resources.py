"""NodeResourcesFit and NodeResourcesBalancedAllocation: what is left on a node, and how evenly it is used. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from scheduler.framework import MAX_SCORE, NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_TOO_MANY_PODS = "Too many pods"


class NodeResourcesFit:
    """Filter: every requested resource is free, and the number of pods; score: the least allocated first."""

    name: ClassVar[str] = "NodeResourcesFit"
    local: ClassVar[bool] = True
    weight: ClassVar[int] = 1

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck:
        """The check of this pod's requests."""
        wanted = [(name, pod.requests[name]) for name in _ordered(pod.requests) if pod.requests[name] > 0]

        def check(node: NodeInfo) -> Reject | None:
            requested, allocatable = node.requested, node.allocatable
            short = [name for name, amount in wanted if amount > allocatable.get(name, 0) - requested.get(name, 0)]
            full = len(node.pods) + 1 > node.allowed_pods
            if not short and not full:
                return None
            reasons = [f"Insufficient {name}" for name in short]
            return Reject((_TOO_MANY_PODS, *reasons) if full else tuple(reasons))

        return check

    def score(self, pod: PodInfo, snapshot: Snapshot, nodes: Sequence[NodeInfo]) -> Sequence[int]:
        """The free part of cpu and memory once the pod is there, in percent."""
        return [least_allocated(pod, node) for node in nodes]


def least_allocated(pod: PodInfo, node: NodeInfo) -> int:
    """LeastAllocated over cpu and memory, weighing both the same."""
    cpu, memory = pod.nonzero
    total, weights = 0, 0
    for capacity, used in (
        (node.allocatable.get("cpu", 0), node.nonzero_cpu + cpu),
        (node.allocatable.get("memory", 0), node.nonzero_memory + memory),
    ):
        if capacity:
            weights += 1
            if used <= capacity:
                total += (capacity - used) * MAX_SCORE // capacity
    return total // weights if weights else 0


def balanced(pod: PodInfo, node: NodeInfo) -> int:
    """How even the fractions of cpu and memory in use would be."""
    fractions = []
    for name in ("cpu", "memory"):
        capacity = node.allocatable.get(name, 0)
        if capacity:
            used = node.requested.get(name, 0) + pod.requests.get(name, 0)
            fractions.append(min(used / capacity, 1.0))
    deviation = abs(fractions[0] - fractions[1]) / 2 if len(fractions) == 2 else 0.0
    return int((1 - deviation) * MAX_SCORE)


def _ordered(requests: dict[str, int]) -> list[str]:
    first = ("cpu", "memory", "ephemeral-storage")
    return [name for name in first if name in requests] + [name for name in requests if name not in first]
