"""NodePorts: two pods cannot take the same host port. Pure."""

from __future__ import annotations

from typing import ClassVar

from scheduler.framework import NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(("node(s) didn't have free ports for the requested pod ports",))
_ANY = "0.0.0.0"


class NodePorts:
    """Filter on (protocol, host IP, host port); 0.0.0.0 collides with every address."""

    name: ClassVar[str] = "NodePorts"
    local: ClassVar[bool] = True

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where the pod takes host ports."""
        if not pod.host_ports:
            return None

        def check(node: NodeInfo) -> Reject | None:
            return _REJECT if any(_collide(want, have) for want in pod.host_ports for have in node.used_ports) else None

        return check


def _collide(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    if one[0] != other[0] or one[2] != other[2]:
        return False
    return one[1] == other[1] or _ANY in (one[1], other[1])
