"""NodeUnschedulable: cordoned nodes take only pods that tolerate it. Pure."""

from __future__ import annotations

from typing import ClassVar

from api.placement.tolerations import NO_SCHEDULE, TAINT_UNSCHEDULABLE, tolerated
from scheduler.framework import NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(("node(s) were unschedulable",), resolvable=False)


class NodeUnschedulable:
    """Filter on spec.unschedulable."""

    name: ClassVar[str] = "NodeUnschedulable"
    local: ClassVar[bool] = True

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, unless the pod tolerates cordoned nodes."""
        taint = {"key": TAINT_UNSCHEDULABLE, "effect": NO_SCHEDULE}
        if tolerated(taint, pod.spec.get("tolerations") or ()):
            return None
        return _check


def _check(node: NodeInfo) -> Reject | None:
    return _REJECT if node.unschedulable else None
