"""Which Node objects are other nodes to route to."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from kubelet.network.backend.peers import Peer, Problem, peer_of, peers_of, usable


def node(name: str, address: str = "192.168.1.2", cidr: str = "10.244.2.0/24") -> Object:
    addresses = [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}]
    return {"metadata": {"name": name}, "spec": {"podCIDR": cidr}, "status": {"addresses": addresses}}


def test_everyone_but_this_node_who_has_address_and_range() -> None:
    fresh: Object = {"metadata": {"name": "fresh"}, "spec": {}, "status": {}}
    nodes = [node("me"), node("b", "192.168.1.3", "10.244.3.0/24"), node("a"), fresh]
    assert peers_of(nodes, "me") == (
        Peer("a", "192.168.1.2", "10.244.2.0/24"),
        Peer("b", "192.168.1.3", "10.244.3.0/24"),
    )


@pytest.mark.parametrize("change", [{"address": "fd00::2"}, {"address": "x"}, {"cidr": "fd00::/64"}, {"cidr": "x"}])
def test_what_is_not_ipv4_is_no_peer(change: dict[str, str]) -> None:
    assert peer_of(node("a", **change)) is None


def test_the_ipv4_halves_of_a_dual_stack_node() -> None:
    both = node("a", cidr="fd00:2::/64")
    both["spec"]["podCIDRs"] = ["fd00:2::/64", "10.244.2.0/24"]
    both["status"]["addresses"].insert(0, {"type": "InternalIP", "address": "fd00::2"})
    assert peer_of(both) == Peer("a", "192.168.1.2", "10.244.2.0/24")


def test_what_belongs_to_someone_already_is_not_routed_to() -> None:
    peers = [
        Peer("d-same-range", "192.168.1.5", "10.244.2.128/25"),
        Peer("a", "192.168.1.2", "10.244.2.0/24"),
        Peer("b-my-range", "192.168.1.3", "10.244.0.0/16"),
        Peer("c-my-old-name", "192.168.1.1", "10.244.9.0/24"),
        Peer("e-same-address", "192.168.1.2", "10.244.8.0/24"),
    ]
    good, problems = usable(peers, "192.168.1.1", "10.244.1.0/24")
    assert good == [Peer("a", "192.168.1.2", "10.244.2.0/24")]
    assert problems == [
        Problem("b-my-range", "its pod CIDR 10.244.0.0/16 overlaps that of this node"),
        Problem("c-my-old-name", "its address 192.168.1.1 is that of this node"),
        Problem("d-same-range", "its pod CIDR 10.244.2.128/25 overlaps that of node a"),
        Problem("e-same-address", "its address 192.168.1.2 is that of node a"),
    ]
