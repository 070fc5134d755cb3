"""A node, the pods on it, and the sums that the rules compare. No I/O; changed only through its snapshot."""

from __future__ import annotations

from collections import Counter

from api.placement import resources
from api.placement.resources import Amounts
from apimachinery import objects
from apimachinery.objects import Object
from scheduler.podinfo import PodInfo

ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"


class NodeInfo:
    """`generation` grows with every change, so that what was computed of a node can be kept for as long as it holds."""

    __slots__ = (
        "allocatable",
        "allowed_pods",
        "generation",
        "images",
        "labels",
        "name",
        "node",
        "nonzero_cpu",
        "nonzero_memory",
        "pods",
        "requested",
        "taints",
        "unschedulable",
        "used_ports",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.node: Object | None = None
        self.labels: dict[str, str] = {}
        self.taints: list[Object] = []
        self.unschedulable = False
        self.allocatable: Amounts = {}
        self.allowed_pods = 0
        self.images: dict[str, int] = {}
        self.pods: dict[str, PodInfo] = {}
        self.requested: Amounts = {}
        self.nonzero_cpu = 0
        self.nonzero_memory = 0
        self.used_ports: Counter[tuple[str, str, int]] = Counter()
        self.generation = 0

    def set_node(self, node: Object) -> None:
        """Take over what the Node object says."""
        spec, status = node.get("spec") or {}, node.get("status") or {}
        self.node = node
        self.labels = objects.labels_of(node)
        self.taints = spec.get("taints") or []
        self.unschedulable = bool(spec.get("unschedulable"))
        self.allocatable = resources.amounts(status.get("allocatable"))
        self.allowed_pods = self.allocatable.get("pods", 0)
        self.images = {
            name: image.get("sizeBytes") or 0 for image in status.get("images") or () for name in image["names"] or ()
        }

    def add(self, info: PodInfo) -> None:
        """Count a pod in."""
        self.pods[info.uid] = info
        resources.add(self.requested, info.requests)
        cpu, memory = info.nonzero
        self.nonzero_cpu += cpu
        self.nonzero_memory += memory
        self.used_ports.update(info.host_ports)

    def remove(self, info: PodInfo) -> None:
        """Count a pod out, as it was when it was counted in."""
        del self.pods[info.uid]
        resources.subtract(self.requested, info.requests)
        cpu, memory = info.nonzero
        self.nonzero_cpu -= cpu
        self.nonzero_memory -= memory
        self.used_ports.subtract(info.host_ports)
        if info.host_ports:
            self.used_ports = +self.used_ports

    def clone(self) -> NodeInfo:
        """A copy to try things on."""
        copy = NodeInfo(self.name)
        if self.node is not None:
            copy.set_node(self.node)
        copy.pods = dict(self.pods)
        copy.requested = dict(self.requested)
        copy.nonzero_cpu, copy.nonzero_memory = self.nonzero_cpu, self.nonzero_memory
        copy.used_ports = Counter(self.used_ports)
        copy.generation = self.generation
        return copy

    @property
    def zone(self) -> str:
        """Region and zone of the node, "" where it has neither."""
        region, zone = self.labels.get(REGION_LABEL, ""), self.labels.get(ZONE_LABEL, "")
        return f"{region}:{zone}" if region or zone else ""
