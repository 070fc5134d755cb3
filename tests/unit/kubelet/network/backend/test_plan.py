"""What the kernel should have for the way to other nodes, and how it gets there."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Interface

import pytest

from kubelet.network.backend.peers import Peer, Problem
from kubelet.network.backend.plan import (
    DEVICE,
    AdjustDevice,
    Backend,
    Change,
    CreateDevice,
    Delete,
    Forwarding,
    LinkAddress,
    Neighbour,
    Put,
    RemoveDevice,
    Route,
    State,
    Vtep,
    changes,
    peer_of_entry,
    pod_mtu,
    wanted_state,
)

ME, MY_CIDR = "192.168.1.1", "10.244.1.0/24"
ETH0 = LinkAddress("eth0", 1500, IPv4Interface(f"{ME}/24"))
TWO, THREE = Peer("two", "192.168.1.2", "10.244.2.0/24"), Peer("three", "192.168.1.3", "10.244.3.0/24")
ROUTE = Route("10.244.2.0/24", "10.244.2.0", DEVICE, True)
NEIGHBOUR = Neighbour("10.244.2.0", "0e:58:0a:f4:02:00")
FORWARDING = Forwarding("0e:58:0a:f4:02:00", "192.168.1.2")


def vxlan(*peers: Peer) -> State:
    return wanted_state(Backend.VXLAN, ME, MY_CIDR, 1450, peers, [ETH0])[0]


def host_gw(*peers: Peer) -> State:
    return wanted_state(Backend.HOST_GW, ME, MY_CIDR, 1500, peers, [ETH0])[0]


def after(state: State, steps: list[Change]) -> State:
    """What a kernel has that carried the steps out."""
    routes, neighbours = {r.destination: r for r in state.routes}, {n.address: n for n in state.neighbours}
    forwarding, device = set(state.forwarding), state.device
    for step in steps:
        match step:
            case CreateDevice(made):
                device, neighbours, forwarding = made, {}, set()
                routes = {to: route for to, route in routes.items() if route.link != DEVICE}
            case AdjustDevice(mtu):
                assert device is not None
                device = replace(device, mtu=mtu, up=True)
            case RemoveDevice():
                device, neighbours, forwarding = None, {}, set()
                routes = {to: route for to, route in routes.items() if route.link != DEVICE}
            case Put(Route() as route):
                assert route.link != DEVICE or device is not None
                routes[route.destination] = route
            case Put(Neighbour() as neighbour):
                neighbours[neighbour.address] = neighbour
            case Put(Forwarding() as entry):
                assert entry.mac not in {known.mac for known in forwarding}, "a MAC has one place"
                forwarding.add(entry)
            case Delete(Route() as route):
                assert routes.pop(route.destination) == route
            case Delete(Neighbour() as neighbour):
                assert neighbours.pop(neighbour.address) == neighbour
            case Delete(Forwarding() as entry):
                forwarding.remove(entry)
    return State(device, frozenset(routes.values()), frozenset(neighbours.values()), frozenset(forwarding))


def test_vxlan_has_three_entries_for_a_node() -> None:
    assert vxlan(TWO) == State(
        Vtep(ME, "10.244.1.0", "0e:58:0a:f4:01:00", 1450),
        frozenset([ROUTE]), frozenset([NEIGHBOUR]), frozenset([FORWARDING]),
    )  # fmt: skip


def test_host_gw_has_a_route_by_the_link_that_is_nearest() -> None:
    wide = LinkAddress("eth1", 1500, IPv4Interface("192.168.0.9/16"))
    state, problems = wanted_state(Backend.HOST_GW, ME, MY_CIDR, 1500, [TWO], [wide, ETH0])
    assert (state, problems) == (State(routes=frozenset([Route("10.244.2.0/24", "192.168.1.2", "eth0", False)])), [])


def test_host_gw_says_who_is_too_far_away() -> None:
    far = Peer("far", "192.168.7.2", "10.244.7.0/24")
    state, problems = wanted_state(Backend.HOST_GW, ME, MY_CIDR, 1500, [far, TWO], [ETH0])
    assert len(state.routes) == 1
    text = "its address 192.168.7.2 is on no network of this node, which the backend host-gw needs"
    assert problems == [Problem("far", f"{text}; use --pod-network-backend=vxlan")]


@pytest.mark.parametrize(
    ("backend", "underlay", "asked", "wanted"),
    [
        (Backend.VXLAN, 1500, 0, 1450),
        (Backend.VXLAN, 600, 0, 576),
        (Backend.HOST_GW, 1500, 0, 1500),
        (Backend.NONE, 9000, 0, 9000),
        (Backend.VXLAN, 1500, 1300, 1300),
    ],
)
def test_what_a_pod_may_send_fits_the_underlay(backend: Backend, underlay: int, asked: int, wanted: int) -> None:
    assert pod_mtu(backend, underlay, asked) == wanted


def test_an_entry_that_is_refused_is_told_of_its_node() -> None:
    assert {peer_of_entry(entry, [THREE, TWO]) for entry in (ROUTE, NEIGHBOUR, FORWARDING)} == {"two"}
    assert peer_of_entry(ROUTE, [THREE]) == ""


def test_nothing_to_do_where_all_is_there() -> None:
    assert changes(vxlan(TWO, THREE), vxlan(TWO, THREE)) == []


def test_a_node_that_comes_and_one_that_goes() -> None:
    assert changes(vxlan(TWO), vxlan()) == [Put(FORWARDING), Put(NEIGHBOUR), Put(ROUTE)]
    assert changes(vxlan(), vxlan(TWO)) == [Delete(ROUTE), Delete(NEIGHBOUR), Delete(FORWARDING)]


def test_a_node_that_changes_its_address_moves_its_forwarding_entry_only() -> None:
    moved = replace(TWO, address="192.168.1.9")
    assert changes(vxlan(moved), vxlan(TWO)) == [Delete(FORWARDING), Put(replace(FORWARDING, address="192.168.1.9"))]


def test_a_device_that_is_down_or_of_another_mtu_is_kept() -> None:
    wanted = vxlan(TWO)
    assert wanted.device is not None
    present = replace(wanted, device=replace(wanted.device, up=False, mtu=1400), routes=frozenset[Route]())
    assert changes(wanted, present) == [AdjustDevice(1450), Put(ROUTE)]


@pytest.mark.parametrize("wrong", [{"local": "192.168.1.7"}, {"vni": 2}, {"port": 4789}, {"learning": True}])
def test_a_device_that_is_not_ours_is_made_anew_with_all_on_it(wrong: dict[str, object]) -> None:
    wanted = vxlan(TWO)
    assert wanted.device is not None
    present = replace(wanted, device=replace(wanted.device, **wrong))  # type: ignore[arg-type]
    assert changes(wanted, present) == [CreateDevice(wanted.device), Put(FORWARDING), Put(NEIGHBOUR), Put(ROUTE)]


def test_another_backend_replaces_routes_before_the_device_goes() -> None:
    direct = Route("10.244.2.0/24", "192.168.1.2", "eth0", False)
    assert changes(host_gw(TWO), vxlan(TWO)) == [Put(direct), RemoveDevice()]


def test_from_everything_to_everything() -> None:
    strange = replace(
        vxlan(TWO),
        routes=frozenset([Route("10.9.0.0/16", "192.168.1.8", "eth0", False)]),
        neighbours=frozenset(
            [Neighbour("10.244.2.0", "0e:58:00:00:00:01"), Neighbour("10.9.0.0", "0e:58:00:00:00:02")]
        ),
        forwarding=frozenset([Forwarding("0e:58:0a:f4:02:00", "192.168.1.8"), Forwarding("0e:58:0a:f4:09:00", ME)]),
    )
    states = [
        State(), vxlan(), vxlan(TWO), vxlan(THREE), vxlan(TWO, THREE), host_gw(TWO), host_gw(TWO, THREE), strange,
        vxlan(replace(TWO, address="192.168.1.3"), replace(THREE, address="192.168.1.2")),
        vxlan(replace(TWO, pod_cidr="10.244.3.0/24"), replace(THREE, pod_cidr="10.244.2.0/24")),
    ]  # fmt: skip
    for present in states:
        for wanted in states:
            assert after(present, changes(wanted, present)) == wanted
