"""The other nodes as the pod network sees them: a name, an address, a range of pods. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery.objects import Object, name_of


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """Another node; `address` is its first InternalIP, `pod_cidr` its range, both IPv4."""

    name: str
    address: str
    pod_cidr: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Why the pods of a node cannot be reached, in words for an Event."""

    node: str
    text: str


def peer_of(node: Object) -> Peer | None:
    """The Node object as a peer; None as long as it has no InternalIP or no pod CIDR of IPv4."""
    known = (node.get("status") or {}).get("addresses") or ()
    addresses = [a.get("address") for a in known if a.get("type") == "InternalIP"]
    address, cidr = next((a for a in addresses if _is_address(a)), None), pod_cidr_of(node)
    if address is None or not cidr:
        return None
    return Peer(name_of(node), address, cidr)


def pod_cidr_of(node: Object) -> str:
    """The node's range of IPv4, "" while it has none."""
    spec = node.get("spec") or {}
    return next((str(c) for c in (spec.get("podCIDR"), *(spec.get("podCIDRs") or ())) if _is_network(c)), "")


def peers_of(nodes: Iterable[Object], own_name: str) -> tuple[Peer, ...]:
    """Everyone but this node, in the order of their names."""
    found = (peer_of(node) for node in nodes if name_of(node) != own_name)
    return tuple(sorted(peer for peer in found if peer is not None))


def usable(peers: Iterable[Peer], own_address: str, own_cidr: str) -> tuple[list[Peer], list[Problem]]:
    """Those that can be routed to, and what is wrong with the others: an object left over from another name of this
    node, or a range that belongs to someone already. This node comes first, then names in their order."""
    good: list[Peer] = []
    problems: list[Problem] = []
    taken = {ipaddress.IPv4Network(own_cidr): "this node"}
    addresses = {own_address: "this node"}
    for peer in sorted(peers):
        network = ipaddress.IPv4Network(peer.pod_cidr)
        owner = next((name for other, name in taken.items() if other.overlaps(network)), "")
        if peer.address in addresses:
            problems.append(Problem(peer.name, f"its address {peer.address} is that of {addresses[peer.address]}"))
        elif owner:
            problems.append(Problem(peer.name, f"its pod CIDR {peer.pod_cidr} overlaps that of {owner}"))
        else:
            good.append(peer)
            taken[network] = f"node {peer.name}"
            addresses[peer.address] = f"node {peer.name}"
    return good, problems


def _is_address(text: object) -> bool:
    try:
        return ipaddress.ip_address(str(text)).version == 4
    except ValueError:
        return False


def _is_network(text: object) -> bool:
    try:
        return ipaddress.ip_network(str(text)).version == 4
    except ValueError:
        return False
