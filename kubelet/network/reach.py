"""What leaves this node without masquerade: whatever comes back to a pod by the way that it went. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from kubelet.network.backend.peers import Peer
from kubelet.network.backend.plan import DEVICE, Backend


@dataclass(frozen=True, slots=True)
class Reach:
    """Where pods of this node get to under their own address."""

    cluster_cidrs: tuple[str, ...] = ()  #: ranges of pods
    nodes: tuple[str, ...] = ()  #: addresses of nodes
    tunnel: str = ""  #: a device whose far ends answer to pods' addresses, and its own, only


def reach_of(backend: Backend, cluster_cidrs: Sequence[str], pod_cidr: str, peers: Sequence[Peer]) -> Reach:
    """Pods everywhere, by the cluster's range where it is known and by each peer's where it is not.

    Nodes with host-gw only: they route straight back. With vxlan a node would answer a pod through the tunnel although
    it was asked outside of it, which reverse path filters and stateful firewalls on the way do not let pass."""
    wide = [ipaddress.IPv4Network(cidr) for cidr in (*cluster_cidrs, pod_cidr)]
    others = [ipaddress.IPv4Network(peer.pod_cidr) for peer in peers if backend is not Backend.NONE]
    more = [str(other) for other in others if not any(other.subnet_of(network) for network in wide)]
    return Reach(
        cluster_cidrs=(*cluster_cidrs, *more),
        nodes=tuple(peer.address for peer in peers) if backend is Backend.HOST_GW else (),
        tunnel=DEVICE if backend is Backend.VXLAN else "",
    )
