"""How this node's kernel reaches the pods of other nodes: what should be there, and what to change. Pure.

vxlan: one device, and per node a route to its range through its VTEP, the VTEP's MAC (neighbour entry) and where that
MAC is in the underlay (forwarding entry). Nothing is learned and nothing published: a VTEP's address and MAC follow
from the node's pod CIDR, which every node reads in the Node object. host-gw: one route per node, by its address.
`kernel.py` reads and writes the kernel."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kubelet.network.backend.peers import Peer, Problem

DEVICE = "kube-vxlan.1"
VNI = 1
#: Linux' and flannel's port; the registered one (RFC 7348) is 4789.
PORT = 8472
#: What VXLAN adds to a packet: the inner Ethernet header (14), VXLAN (8), UDP (8) and the outer IPv4 header (20).
OVERHEAD = 50
#: rtm_protocol of our routes: what has it is ours to remove. Not assigned to anyone in rtnetlink.h.
ROUTE_PROTOCOL = 107
_MINIMUM_MTU = 576  #: RFC 791: what every host must accept


class Backend(StrEnum):
    """--pod-network-backend."""

    VXLAN = "vxlan"
    HOST_GW = "host-gw"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An IPv4 address of a link of this node that is not the pod network's."""

    link: str
    mtu: int
    interface: ipaddress.IPv4Interface


@dataclass(frozen=True, slots=True)
class Vtep:
    """The VXLAN device. What differs in anything but `mtu` and `up` is made anew."""

    local: str  #: the node's address, the source of the outer packets
    address: str  #: its own, the source of what the node itself sends to pods elsewhere
    mac: str
    mtu: int
    vni: int = VNI
    port: int = PORT
    learning: bool = False
    up: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Route:
    """A node's pods are behind `gateway` on `link`; `onlink`: the gateway is there though no address says so."""

    destination: str
    gateway: str
    link: str
    onlink: bool


@dataclass(frozen=True, slots=True, order=True)
class Neighbour:
    """A VTEP's address has this MAC."""

    address: str
    mac: str


@dataclass(frozen=True, slots=True, order=True)
class Forwarding:
    """The VTEP with this MAC is at this address of the underlay."""

    mac: str
    address: str


Entry = Route | Neighbour | Forwarding


@dataclass(frozen=True, slots=True)
class State:
    """What the kernel has, or should have, of ours."""

    device: Vtep | None = None
    routes: frozenset[Route] = frozenset()
    neighbours: frozenset[Neighbour] = frozenset()
    forwarding: frozenset[Forwarding] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateDevice:
    """Make the device; one of that name is removed first."""

    device: Vtep


@dataclass(frozen=True, slots=True)
class AdjustDevice:
    """Set the device up with this MTU."""

    mtu: int


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Remove the device with all that hangs on it."""


@dataclass(frozen=True, slots=True)
class Put:
    """Add the entry; a route replaces the one to the same destination, a neighbour the one of the same address."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the entry."""

    entry: Entry


Change = CreateDevice | AdjustDevice | RemoveDevice | Put | Delete


def mac_of_vtep(pod_cidr: str) -> str:
    """The MAC of the VTEP of the node with that range: locally administered, and unlike every pod's."""
    return "0e:58:" + ":".join(f"{byte:02x}" for byte in ipaddress.IPv4Network(pod_cidr).network_address.packed)


def address_of_vtep(pod_cidr: str) -> str:
    """The first address of the range, which no pod gets: it belongs to the range, so others route to it."""
    return str(ipaddress.IPv4Network(pod_cidr).network_address)


def underlay_of(addresses: Iterable[LinkAddress], node_ip: str) -> LinkAddress | None:
    """The link that has the node's address."""
    return next((address for address in addresses if str(address.interface.ip) == node_ip), None)


def pod_mtu(backend: Backend, underlay_mtu: int, asked: int = 0) -> int:
    """The MTU of bridge and pods: `asked` (0: not asked) or what fits into a packet of the underlay."""
    if asked:
        return asked
    return max(underlay_mtu - OVERHEAD, _MINIMUM_MTU) if backend is Backend.VXLAN else underlay_mtu


def wanted_state(
    backend: Backend, node_ip: str, pod_cidr: str, mtu: int, peers: Sequence[Peer], addresses: Sequence[LinkAddress]
) -> tuple[State, list[Problem]]:
    """What the kernel should have, and the peers that this backend cannot reach. `mtu` is that of the pods."""
    if backend is Backend.VXLAN:
        return _vxlan(node_ip, pod_cidr, mtu, peers), []
    if backend is Backend.HOST_GW:
        return _host_gw(peers, addresses)
    return State(), []


def _vxlan(node_ip: str, pod_cidr: str, mtu: int, peers: Sequence[Peer]) -> State:
    vteps = [(peer, address_of_vtep(peer.pod_cidr), mac_of_vtep(peer.pod_cidr)) for peer in peers]
    return State(
        device=Vtep(node_ip, address_of_vtep(pod_cidr), mac_of_vtep(pod_cidr), mtu),
        routes=frozenset(Route(peer.pod_cidr, address, DEVICE, True) for peer, address, _ in vteps),
        neighbours=frozenset(Neighbour(address, mac) for _, address, mac in vteps),
        forwarding=frozenset(Forwarding(mac, peer.address) for peer, _, mac in vteps),
    )


def _host_gw(peers: Sequence[Peer], addresses: Sequence[LinkAddress]) -> tuple[State, list[Problem]]:
    routes, problems = set[Route](), list[Problem]()
    for peer in peers:
        near = [a for a in addresses if ipaddress.IPv4Address(peer.address) in a.interface.network]
        if not near:
            text = (
                f"its address {peer.address} is on no network of this node, which the backend host-gw needs; "
                "use --pod-network-backend=vxlan"
            )
            problems.append(Problem(peer.name, text))
            continue
        nearest = max(near, key=lambda address: address.interface.network.prefixlen)
        routes.add(Route(peer.pod_cidr, peer.address, nearest.link, False))
    return State(routes=frozenset(routes)), problems


def peer_of_entry(entry: Entry, peers: Iterable[Peer]) -> str:
    """The name of the node that the entry leads to, "" where it is none of these."""
    for peer in peers:
        match entry:
            case Route(destination):
                found = destination == peer.pod_cidr
            case Neighbour(address):
                found = address == address_of_vtep(peer.pod_cidr)
            case Forwarding(mac):
                found = mac == mac_of_vtep(peer.pod_cidr)
        if found:
            return peer.name
    return ""


def changes(wanted: State, present: State) -> list[Change]:
    """From what is there to what should be, in an order in which no packet is lost that need not be: what is new
    comes first, a route is replaced in one step, the device goes last."""
    result: list[Change] = []
    if wanted.device is not None and _must_be_made(wanted.device, present.device):
        result.append(CreateDevice(wanted.device))
        present = State(routes=frozenset(route for route in present.routes if route.link != DEVICE))
    elif wanted.device is not None and wanted.device != present.device:
        result.append(AdjustDevice(wanted.device.mtu))
    if wanted.device is None and present.device is not None:  # its entries go with it
        return [*_differences(wanted, State(routes=present.routes)), RemoveDevice()]
    return result + _differences(wanted, present)


def _must_be_made(wanted: Vtep, present: Vtep | None) -> bool:
    return present is None or (wanted.local, wanted.address, wanted.mac, wanted.vni, wanted.port, wanted.learning) != (
        present.local, present.address, present.mac, present.vni, present.port, present.learning,
    )  # fmt: skip


def _differences(wanted: State, present: State) -> list[Change]:
    moved = {entry.mac for entry in wanted.forwarding - present.forwarding}
    old = sorted(present.forwarding - wanted.forwarding)
    # A MAC has one place: the old one goes before the new one comes.
    result: list[Change] = [Delete(entry) for entry in old if entry.mac in moved]
    result += [Put(entry) for entry in sorted(wanted.forwarding - present.forwarding)]
    result += [Put(entry) for entry in sorted(wanted.neighbours - present.neighbours)]
    result += [Put(route) for route in sorted(wanted.routes - present.routes)]
    destinations = {route.destination for route in wanted.routes}
    result += [Delete(r) for r in sorted(present.routes - wanted.routes) if r.destination not in destinations]
    addresses = {entry.address for entry in wanted.neighbours}
    result += [Delete(e) for e in sorted(present.neighbours - wanted.neighbours) if e.address not in addresses]
    result += [Delete(entry) for entry in old if entry.mac not in moved]
    return result
