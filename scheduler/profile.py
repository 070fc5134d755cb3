"""The default profile: which rules, in which order (kube-scheduler's default plugins of v1.28). Pure data."""

from __future__ import annotations

from scheduler.decide import Profile
from scheduler.plugins.image_locality import ImageLocality
from scheduler.plugins.interpod_affinity import InterPodAffinity
from scheduler.plugins.node_affinity import NodeAffinity
from scheduler.plugins.node_name import NodeName
from scheduler.plugins.node_ports import NodePorts
from scheduler.plugins.node_resources import NodeResourcesFit
from scheduler.plugins.node_unschedulable import NodeUnschedulable
from scheduler.plugins.taint_toleration import TaintToleration
from scheduler.plugins.topology_spread import PodTopologySpread
from scheduler.plugins.volume_binding import VolumeBinding
from scheduler.plugins.volume_restrictions import VolumeRestrictions
from scheduler.plugins.volume_zone import VolumeZone

#: NodeResourcesFit and NodeResourcesBalancedAllocation are scored with the filters (see `scheduler.decide`).
DEFAULT = Profile(
    filters=(
        NodeUnschedulable(),
        NodeName(),
        TaintToleration(),
        NodeAffinity(),
        NodePorts(),
        NodeResourcesFit(),
        VolumeRestrictions(),
        VolumeBinding(),
        VolumeZone(),
        PodTopologySpread(),
        InterPodAffinity(),
    ),
    scores=(TaintToleration(), NodeAffinity(), PodTopologySpread(), InterPodAffinity(), ImageLocality()),
)
