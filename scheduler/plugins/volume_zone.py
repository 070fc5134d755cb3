"""VolumeZone: volumes that carry zone or region labels are used only from there. Pure."""

from __future__ import annotations

from typing import ClassVar

from apimachinery.objects import labels_of
from scheduler import volumes
from scheduler.framework import NodeCheck, Reject
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Snapshot

_REJECT = Reject(("node(s) had no available volume zone",), resolvable=False)
_TOPOLOGY_LABELS = (
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
)


class VolumeZone:
    """Filter by the topology labels of bound volumes; a label may list several zones, joined by "__"."""

    name: ClassVar[str] = "VolumeZone"
    local: ClassVar[bool] = False

    def prepare(self, pod: PodInfo, snapshot: Snapshot) -> NodeCheck | None:
        """The check, where a bound volume has such labels."""
        lookups = snapshot.lookups
        if lookups is None:
            return None
        wanted: list[tuple[str, frozenset[str]]] = []
        for name in volumes.claim_names(pod):
            claim = lookups.claim(pod.namespace, name)
            volume = lookups.volume((claim or {}).get("spec", {}).get("volumeName") or "")
            for label in _TOPOLOGY_LABELS:
                value = labels_of(volume or {}).get(label)
                if value:
                    wanted.append((label, frozenset(value.split("__"))))
        if not wanted:
            return None

        def check(node: NodeInfo) -> Reject | None:
            if not any(label in node.labels for label in _TOPOLOGY_LABELS):
                return None  # a node without zones takes every volume
            return None if all(node.labels.get(label) in values for label, values in wanted) else _REJECT

        return check
