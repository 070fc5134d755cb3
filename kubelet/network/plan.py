"""Which links and addresses this node and its pods want: names, MACs, gateways. Pure.

`netlink.py` makes the kernel agree; `firewall.py` has the packet filter's part, `backend/` the way to other nodes."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

BRIDGE = "cni0"
POD_INTERFACE = "eth0"
VETH_PREFIX = "veth"
MULTICAST = "224.0.0.0/4"


@dataclass(frozen=True, slots=True)
class NodePlan:
    """The node's side of the pod network."""

    pod_cidr: str
    gateway: str  #: the bridge's own address, the pods' default gateway
    prefix_length: int
    mac: str
    mtu: int
    hairpin: bool = True  #: what a pod sends may come back to it (a Service that picks the pod that asked)


@dataclass(frozen=True, slots=True)
class PodPlan:
    """One pod's link: a veth pair, one end a bridge port, the other the pod's eth0."""

    host_link: str
    address: str
    prefix_length: int
    mac: str
    gateway: str
    mtu: int
    hairpin: bool = True


def ipv4_ranges(text: str) -> list[str]:
    """The IPv4 ranges of a list with commas (--cluster-cidr may have one for each family); raises ValueError for
    what is none."""
    ranges = [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
    return [str(network) for network in ranges if network.version == 4]


def node_plan(pod_cidr: str, mtu: int, hairpin: bool = True) -> NodePlan:
    """The bridge has the first address of the pod CIDR; raises ValueError for a CIDR without room for a pod."""
    network = ipaddress.IPv4Network(pod_cidr)
    if network.prefixlen > 30:
        raise ValueError(f"pod CIDR {pod_cidr} has no room for a pod")
    gateway = str(network.network_address + 1)
    return NodePlan(str(network), gateway, network.prefixlen, mac_of(gateway), mtu, hairpin)


def pod_plan(sandbox_id: str, address: str, node: NodePlan) -> PodPlan:
    """The link of the sandbox that has `address`."""
    return PodPlan(
        host_link_of(sandbox_id), address, node.prefix_length, mac_of(address), node.gateway, node.mtu, node.hairpin
    )


def host_link_of(sandbox_id: str) -> str:
    """The node's end of a sandbox's veth pair: stable, so that attaching again finds it (15 bytes at most)."""
    return VETH_PREFIX + hashlib.sha256(sandbox_id.encode()).hexdigest()[:8]


def mac_of(address: str) -> str:
    """A locally administered MAC that follows from the IPv4 address: an address that passes from one pod
    to the next leaves no stale neighbour entry behind, and the bridge's MAC does not change with its ports."""
    return "0a:58:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Address(address).packed)


def next_address(node: NodePlan, taken: Iterable[str], last: str = "") -> str | None:
    """The first free address after `last`, wrapping round, so that a freed one rests as long as possible;
    None when the CIDR is full."""
    network = ipaddress.IPv4Network(node.pod_cidr)
    first, final = int(network.network_address) + 2, int(network.broadcast_address) - 1
    used = {int(ipaddress.IPv4Address(address)) for address in taken}
    start = first
    if last and ipaddress.IPv4Address(last) in network:
        start = max(first, int(ipaddress.IPv4Address(last)) + 1)
    for number in (*range(start, final + 1), *range(first, min(start, final + 1))):
        if number not in used:
            return str(ipaddress.IPv4Address(number))
    return None


def superfluous_addresses(
    node: NodePlan, present: Iterable[ipaddress.IPv4Interface], pods: Iterable[str]
) -> list[ipaddress.IPv4Interface]:
    """The bridge's addresses that nobody needs: neither the plan nor a pod of an earlier range."""
    wanted = ipaddress.IPv4Interface(f"{node.gateway}/{node.prefix_length}")
    addresses = [ipaddress.IPv4Address(pod) for pod in pods]
    return [
        address for address in present if address != wanted and not any(pod in address.network for pod in addresses)
    ]


def pod_ranges(node: NodePlan, pods: Iterable[str]) -> list[str]:
    """Where this node's pods are: its CIDR, and the addresses left from an earlier one."""
    network = ipaddress.IPv4Network(node.pod_cidr)
    return [node.pod_cidr, *(f"{pod}/32" for pod in sorted(pods) if ipaddress.IPv4Address(pod) not in network)]
