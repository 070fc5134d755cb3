"""VolumeBinding: the pod's claims are bound to volumes that the node reaches, or can be. Pure."""

from __future__ import annotations

from typing import ClassVar

from scheduler import volumes
from scheduler.framework import NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_NODE_CONFLICT = Reject(("node(s) had volume node affinity conflict",), resolvable=False)
_NO_VOLUMES = Reject(("node(s) didn't find available persistent volumes to bind",), resolvable=False)
_GONE = Reject(("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",), resolvable=False)


class VolumeBinding:
    """Filter by persistent volume claims."""

    name: ClassVar[str] = "VolumeBinding"
    local: ClassVar[bool] = False

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | Reject | None:
        """The check, where the pod has claims; a refusal where one of them is not there or not bound."""
        lookups = snapshot.lookups
        if lookups is None or not volumes.claim_names(pod):
            return None
        claims = volumes.classify(pod, lookups)
        if claims.problem:
            return Reject((claims.problem,), resolvable=False)
        bound = [lookups.volume(claim["spec"]["volumeName"]) for claim in claims.bound]

        def check(node: NodeInfo) -> Reject | None:
            if any(volume is None for volume in bound):
                return _GONE
            if not all(volumes.reachable(volume, node) for volume in bound if volume is not None):
                return _NODE_CONFLICT
            if claims.waiting and volumes.plan(pod, node, lookups) is None:
                return _NO_VOLUMES
            return None

        return check
