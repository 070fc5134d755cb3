"""Which rules may change their minds after which change in the cluster (the queueing hints of v1.28). Pure data."""

from __future__ import annotations

from typing import Final

_VOLUMES: Final = frozenset({"VolumeBinding", "VolumeZone", "VolumeRestrictions"})

#: A node was added, or its taints, labels or room changed.
NODE_CHANGED: Final[frozenset[str] | None] = None  # any rule
#: A pod that had a node went away.
POD_GONE: Final = frozenset({"NodeResourcesFit", "NodePorts", "InterPodAffinity", "PodTopologySpread"}) | _VOLUMES
#: A pod got a node, or its labels changed.
POD_PLACED: Final = frozenset({"InterPodAffinity", "PodTopologySpread"})
#: Claims, volumes or storage classes changed.
STORAGE_CHANGED: Final = _VOLUMES
#: Labels of a namespace changed.
NAMESPACE_CHANGED: Final = frozenset({"InterPodAffinity"})
