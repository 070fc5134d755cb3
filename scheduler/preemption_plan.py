"""Whom to displace for a pod that fits nowhere: the node where that costs least, and the victims there. No I/O.

Victims are taken out of the snapshot, the rules asked, and put back, all within one call; the order of preferences
between nodes is that of kube-scheduler's preemption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery import labels
from apimachinery.objects import Object, namespace_of
from scheduler.decide import Profile, Unschedulable, prepare
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Victims:
    """The pods to displace from one node; `violations`: how many of them a disruption budget would rather keep."""

    node: str
    pods: tuple[PodInfo, ...]
    violations: int


def choose(
    pod: PodInfo, snapshot: Snapshot, profile: Profile, outcome: Unschedulable, budgets: Sequence[Object]
) -> Victims | None:
    """The best node to make room on, or None where none can be made."""
    if outcome.cluster is not None:
        return None
    candidates = []
    for name, (_, reject) in outcome.rejects.items():
        node = snapshot.nodes.get(name)
        if node is None or not reject.resolvable:
            continue
        victims = victims_on(pod, node, snapshot, profile, budgets)
        if victims is not None:
            candidates.append(victims)
    return min(candidates, key=_cost) if candidates else None


def victims_on(
    pod: PodInfo, node: NodeInfo, snapshot: Snapshot, profile: Profile, budgets: Sequence[Object]
) -> Victims | None:
    """The fewest and least important pods whose leaving lets the pod in on this node."""
    lower = [info for info in node.pods.values() if info.priority < pod.priority]
    if not lower:
        return None
    out: list[PodInfo] = []
    for info in lower:
        snapshot.remove_pod(info)
        out.append(info)
    try:
        if not fits(pod, node.name, snapshot, profile):
            return None
        violating, others = _split_by_budget(sorted(lower, key=_importance), budgets)
        violations = 0
        for info in (*violating, *others):
            # Let each one back in, the most important first; whoever does not fit beside the pod must go.
            snapshot.add_pod(info)
            if fits(pod, node.name, snapshot, profile):
                out.remove(info)
            else:
                snapshot.remove_pod(info)
                violations += info in violating
        return Victims(node.name, tuple(sorted(out, key=_importance)), violations)
    finally:
        for info in out:
            snapshot.add_pod(info)


def fits(pod: PodInfo, node_name: str, snapshot: Snapshot, profile: Profile) -> bool:
    """Whether every rule lets the pod onto the node as the snapshot stands."""
    checks = prepare(pod, snapshot, profile)
    if isinstance(checks, Unschedulable):
        return False
    return checks.first_reject(snapshot.nodes[node_name]) is None


def _importance(info: PodInfo) -> tuple[int, str]:
    """Higher priority first, then whoever runs longest."""
    return -info.priority, start_time(info)


def start_time(info: PodInfo) -> str:
    """When the pod started, as sortable text; pods not started yet sort last."""
    return (info.pod.get("status") or {}).get("startTime") or "9999"


def _cost(victims: Victims) -> tuple[int, int, int, int, str]:
    """Fewest broken budgets, the lowest highest priority, the lowest sum, the fewest; then the latest started."""
    if not victims.pods:
        return (0, 0, 0, 0, "")
    highest = max(info.priority for info in victims.pods)
    # Priorities may be negative: shifted, so that more victims never make the sum smaller.
    total = sum(info.priority + 2**31 for info in victims.pods)
    earliest = min(start_time(info) for info in victims.pods if info.priority == highest)
    return victims.violations, highest, total, len(victims.pods), _latest_first(earliest)


def _latest_first(text: str) -> str:
    return "".join(chr(0x10FFFF - ord(char)) for char in text)


def _split_by_budget(pods: Sequence[PodInfo], budgets: Sequence[Object]) -> tuple[list[PodInfo], list[PodInfo]]:
    """The pods that a disruption budget has no room left for, and the others."""
    allowed = [int((budget.get("status") or {}).get("disruptionsAllowed") or 0) for budget in budgets]
    selectors = [labels.from_label_selector((budget.get("spec") or {}).get("selector")) for budget in budgets]
    violating: list[PodInfo] = []
    others: list[PodInfo] = []
    for info in pods:
        broken = False
        for index, budget in enumerate(budgets):
            if namespace_of(budget) != info.namespace or selectors[index].empty or not info.labels:
                continue
            if not selectors[index].matches(info.labels):
                continue
            if info.name in ((budget.get("status") or {}).get("disruptedPods") or {}):
                continue
            allowed[index] -= 1
            broken = broken or allowed[index] < 0
        (violating if broken else others).append(info)
    return violating, others
