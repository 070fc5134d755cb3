"""A node without a kernel: services go in, packets are traced through the rules that come out."""

from __future__ import annotations

from apimachinery.objects import Object
from component.iptables import PacketFilter
from proxy.iptables.fake import FakePacketFilter
from proxy.iptables.tracer import End, Packet, trace
from proxy.proxier import Proxier
from proxy.rules.model import NodeSettings
from proxy.rules.stale_flows import FlowTargets
from proxy.sources import LocalSource

NODE_IP = "192.168.0.1"
CLUSTER_CIDR = "10.244.0.0/16"
POD = "10.244.0.9"
CLIENT = "203.0.113.7"
LOCAL_ADDRESSES = (NODE_IP, "127.0.0.1", "10.244.0.1")


class RememberedFlows:
    """A `FlowCleaner` that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[FlowTargets] = []

    async def clean(self, targets: object) -> int:
        assert isinstance(targets, dict)
        self.asked.append(targets)
        return 0


class Node:
    """One proxier on fakes, named n1."""

    def __init__(
        self,
        settings: NodeSettings | None = None,
        *,
        sync_period_seconds: float = 30,
        min_sync_period_seconds: float = 1,
    ) -> None:
        self.services, self.slices = LocalSource(), LocalSource()
        self.filter = FakePacketFilter()
        self.flows = RememberedFlows()
        packet_filter: PacketFilter = self.filter
        self.proxier = Proxier(
            services=self.services,
            endpoint_slices=self.slices,
            packet_filter=packet_filter,
            flows=self.flows,
            node=settings or NodeSettings(cluster_cidr=CLUSTER_CIDR, node_ips=(NODE_IP,)),
            node_name="n1",
            sync_period_seconds=sync_period_seconds,
            min_sync_period_seconds=min_sync_period_seconds,
        )

    async def with_objects(self, *objects: Object) -> Node:
        """Put the objects and sync."""
        for found in objects:
            (self.services if found["kind"] == "Service" else self.slices).put(found)
        await self.proxier.sync()
        return self

    def ends(self, packet: Packet) -> set[End]:
        """Where the packet may end."""
        return trace(self.filter.tables, packet, LOCAL_ADDRESSES)

    def from_outside(self, destination: str, port: int = 80, source: str = CLIENT, protocol: str = "tcp") -> set[End]:
        """A packet that comes in from another machine."""
        return self.ends(Packet(source, destination, port, protocol))

    def from_pod(self, destination: str, port: int = 80, source: str = POD) -> set[End]:
        """A packet of a pod on this node."""
        return self.ends(Packet(source, destination, port))

    def from_node(self, destination: str, port: int = 80, source: str = NODE_IP) -> set[End]:
        """A packet that a process of the node itself sends."""
        return self.ends(Packet(source, destination, port, origin="local"))


def to(*targets: str, masqueraded: bool = False) -> set[End]:
    """The ends of a packet that reaches these, all alike."""
    return {End("ACCEPT", target, masqueraded) for target in targets}


REFUSED = {End("REJECT")}
DROPPED = {End("DROP")}
