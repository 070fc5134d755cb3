"""VolumeRestrictions: a claim with ReadWriteOncePod is used by one pod at a time. Pure."""

from __future__ import annotations

from typing import ClassVar

from scheduler import volumes
from scheduler.framework import NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(
    (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by "
        "another pod",
    )
)


class VolumeRestrictions:
    """Filter by claims that other pods hold for themselves."""

    name: ClassVar[str] = "VolumeRestrictions"
    local: ClassVar[bool] = False

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where the pod has such a claim and another pod uses it."""
        lookups = snapshot.lookups
        if lookups is None:
            return None
        exclusive = set()
        for name in volumes.claim_names(pod):
            claim = lookups.claim(pod.namespace, name)
            if claim is not None and "ReadWriteOncePod" in ((claim.get("spec") or {}).get("accessModes") or ()):
                exclusive.add(name)
        if not exclusive:
            return None

        def check(node: NodeInfo) -> Reject | None:
            # Only on the node of the pod that holds the claim: elsewhere the volume itself keeps the pod off.
            for other in node.pods.values():
                if other.namespace == pod.namespace and exclusive.intersection(volumes.claim_names(other)):
                    return _REJECT
            return None

        return check
