"""NodeName: a pod that names its node fits nowhere else. Pure."""

from __future__ import annotations

from typing import ClassVar

from scheduler.framework import NodeCheck, Reject
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(("node(s) didn't match the requested node name",), resolvable=False)


class NodeName:
    """Filter on spec.nodeName."""

    name: ClassVar[str] = "NodeName"
    local: ClassVar[bool] = True

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where the pod names a node."""
        wanted = pod.spec.get("nodeName")
        if not wanted:
            return None
        return lambda node: None if node.name == wanted else _REJECT
