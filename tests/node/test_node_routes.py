"""Pods of several nodes, on a real kernel: every node a network namespace of its own."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from kubelet.network.backend.plan import DEVICE
from tests.node.lab import CLIENT_IP, Connection, Lab, ask, in_namespace
from tests.node.machines import Machine, Machines

_IP_MTU_DISCOVER, _IP_PMTUDISC_DO = 10, 2  #: of linux/in.h


@pytest.fixture
def lab(node: Lab) -> Lab:
    """The namespace alone: no kubelet runs in it."""
    return node


@pytest_asyncio.fixture
async def machines(lab: Lab, tmp_path: Path) -> AsyncIterator[Machines]:
    made = Machines(lab, tmp_path)
    yield made
    await made.close()
    await lab.stop_serving()


@pytest.fixture
def nodes(machines: Machines) -> list[Machine]:
    """Two nodes on one switch."""
    return [machines.add(f"node{n}", f"192.168.1.{n}", f"10.244.{n}.0/24") for n in (1, 2)]


def of_ours(lab: Lab, machine: Machine) -> list[str]:
    """What a node's kernel has of the way to others."""
    routes = lab.inside(machine.pid, "ip", "route", "show", "proto", "107").splitlines()
    links = lab.inside(machine.pid, "ip", "-o", "link").splitlines()
    return [route.strip() for route in routes] + [DEVICE for link in links if f": {DEVICE}:" in link]


def entries(lab: Lab, machine: Machine) -> list[str]:
    """Its device's forwarding and neighbour entries."""
    found = lab.inside(machine.pid, "bridge", "fdb", "show", "dev", DEVICE).splitlines()
    found += lab.inside(machine.pid, "ip", "neigh", "show", "dev", DEVICE, "nud", "permanent").splitlines()
    return sorted(" ".join(line.split()) for line in found)


def send(pid: int, address: str, port: int, size: int) -> None:
    """An IPv4 packet of `size` bytes that must not be fragmented; OSError(EMSGSIZE) where it does not fit."""
    with in_namespace(pid, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
        sender.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
        sender.sendto(b"x" * (size - 28), (address, port))


async def received(receiver: socket.socket) -> int:
    receiver.setblocking(False)
    async with asyncio.timeout(5):
        return len(await asyncio.get_running_loop().sock_recv(receiver, 65536)) + 28


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
async def test_pods_reach_pods_and_nodes_under_their_own_address(
    lab: Lab, machines: Machines, nodes: list[Machine], backend: str
) -> None:
    await machines.start_all(backend)
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(one, 80, "one")
    await lab.serve(two, 80, "two")
    await lab.serve(nodes[1].pid, 81, "node2")
    await lab.serve(lab.outside, 82, "world")
    assert await ask(one, second, 80) == f"two {first}"
    assert await ask(two, first, 80) == f"one {second}"
    # A node asks under an address that leads back the same way.
    assert await ask(nodes[0].pid, second, 80) == ("two 10.244.1.0" if backend == "vxlan" else "two 192.168.1.1")
    assert await ask(one, "192.168.1.2", 81) == ("node2 192.168.1.1" if backend == "vxlan" else f"node2 {first}")
    lab.inside(lab.outside, "ip", "route", "add", "192.168.1.0/24", "via", "192.168.50.1")
    assert await ask(one, CLIENT_IP, 82) == "world 192.168.1.1", "what leaves the cluster is masqueraded"


@pytest.mark.parametrize(("backend", "mtu"), [("vxlan", 1350), ("host-gw", 1400)])
async def test_the_largest_packet_arrives_and_one_byte_more_is_not_sent(
    lab: Lab, machines: Machines, backend: str, mtu: int
) -> None:
    nodes = [machines.add(f"node{n}", f"192.168.1.{n}", f"10.244.{n}.0/24", mtu=1400) for n in (1, 2)]
    await machines.start_all(backend)
    (one, _), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    with in_namespace(two, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(("0.0.0.0", 5000))
        send(one, second, 5000, mtu)
        assert await received(receiver) == mtu
        with pytest.raises(OSError) as refused:
            send(one, second, 5000, mtu + 1)
        assert refused.value.errno == errno.EMSGSIZE


async def test_vxlan_crosses_a_router_and_host_gw_says_that_it_cannot(lab: Lab, machines: Machines) -> None:
    near = machines.add("near", "192.168.1.1", "10.244.1.0/24")
    far = machines.add("far", "192.168.2.1", "10.244.2.0/24")
    await machines.start_all("vxlan")
    (one, first), (two, second) = await machines.pod(near, "one"), await machines.pod(far, "two")
    await lab.serve(two, 80, "two")
    assert await ask(one, second, 80) == f"two {first}"
    await machines.start(near, "host-gw")
    problems = await machines.tell()
    assert [text.partition(",")[0] for text in problems["near"]] == [
        "far: its address 192.168.2.1 is on no network of this node"
    ]
    assert of_ours(lab, near) == []
    await lab.serve(far.pid, 81, "far")
    assert await ask(one, far.address, 81) == "far 192.168.1.1", "nobody there knows the way back to a pod"


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
async def test_a_node_that_changes_its_address_is_found_again(
    lab: Lab, machines: Machines, nodes: list[Machine], backend: str
) -> None:
    await machines.start_all(backend)
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(two, 80, "two")
    assert await ask(one, second, 80) == f"two {first}"
    machines.readdress(nodes[1], "192.168.1.22")
    await machines.start(nodes[1], backend)  # a kubelet takes its address at its start
    await machines.tell()
    assert await ask(one, second, 80) == f"two {first}"
    assert "192.168.1.2 " not in " ".join(of_ours(lab, nodes[0]))


async def test_nodes_come_and_go_and_get_another_range(lab: Lab, machines: Machines, nodes: list[Machine]) -> None:
    await machines.start_all("vxlan")
    alone, before = machines.add("node3", "192.168.1.3", "10.244.3.0/24"), entries(lab, nodes[0])
    await machines.start(alone, "vxlan")
    await machines.tell()
    assert [line for line in entries(lab, nodes[0]) if line not in before] == [
        "0e:58:0a:f4:03:00 dst 192.168.1.3 self permanent",
        "10.244.3.0 lladdr 0e:58:0a:f4:03:00 PERMANENT",
    ]
    alone.pod_cidr = "10.244.33.0/24"
    await machines.start(alone, "vxlan")
    await machines.tell()
    (one, first), (three, third) = await machines.pod(nodes[0], "one"), await machines.pod(alone, "three")
    await lab.serve(three, 80, "three")
    assert await ask(one, third, 80) == f"three {first}"
    assert "10.244.3.0" not in "".join(entries(lab, nodes[0]) + of_ours(lab, nodes[0]))
    machines.all.remove(alone)
    await alone.kill()
    await machines.tell()
    assert entries(lab, nodes[0]) == before


async def test_a_killed_kubelet_interrupts_nothing_and_converges(
    lab: Lab, machines: Machines, nodes: list[Machine]
) -> None:
    await machines.start_all("vxlan")
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(two, 80, "two")
    device = lab.inside(nodes[0].pid, "ip", "-o", "link", "show", DEVICE)
    async with Connection(one, second, 80) as connection:
        assert await connection.ask() == f"two {first}"
        await nodes[0].kill()
        assert await connection.ask() == f"two {first}"
        # Meanwhile: one node went, and somebody meddled.
        lab.inside(nodes[0].pid, "ip", "route", "add", "10.244.9.0/24", "via", "192.168.1.9", "proto", "107")
        lab.inside(nodes[0].pid, "bridge", "fdb", "del", "0e:58:0a:f4:02:00", "dev", DEVICE, "dst", "192.168.1.2")
        await machines.start(nodes[0], "vxlan")
        assert len(of_ours(lab, nodes[0])) == 3, "before it is known who is there nobody is gone"
        await machines.tell()
        assert await connection.ask() == f"two {first}"
    assert len(of_ours(lab, nodes[0])) == 2
    assert lab.inside(nodes[0].pid, "ip", "-o", "link", "show", DEVICE) == device, "the device was kept"


@pytest.mark.parametrize("backend", ["vxlan", "host-gw"])
async def test_what_goes_with_a_link_comes_back(
    lab: Lab, machines: Machines, nodes: list[Machine], backend: str
) -> None:
    await machines.start_all(backend)
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(two, 80, "two")
    before = of_ours(lab, nodes[0])
    link = DEVICE if backend == "vxlan" else "eth0"
    lab.inside(nodes[0].pid, "ip", "link", "set", link, "down")
    lab.inside(nodes[0].pid, "ip", "link", "set", "eth0", "up")
    await nodes[0].ask("resync")
    assert of_ours(lab, nodes[0]) == before
    assert await ask(one, second, 80) == f"two {first}"


async def test_backends_replace_each_other_and_leave_nothing(
    lab: Lab, machines: Machines, nodes: list[Machine]
) -> None:
    bare = [lab.inside(node.pid, "ip", "route") for node in nodes]
    await machines.start_all("vxlan")
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(two, 80, "two")
    for backend, mine in (("host-gw", ["10.244.2.0/24 via 192.168.1.2 dev eth0"]),
                          ("vxlan", [f"10.244.2.0/24 via 10.244.2.0 dev {DEVICE} onlink", DEVICE]),
                          ("none", [])):  # fmt: skip
        await machines.start_all(backend)
        assert of_ours(lab, nodes[0]) == mine
        if backend != "none":
            assert await ask(one, second, 80) == f"two {first}"
    await machines.start_all("vxlan")
    for node, routes in zip(nodes, bare, strict=True):
        await node.ask("cleanup")
        assert lab.inside(node.pid, "ip", "route") == routes
        assert of_ours(lab, node) == []


async def test_a_tunnel_that_is_anothers_is_named(lab: Lab, machines: Machines, nodes: list[Machine]) -> None:
    other = ["flannel.1", "type", "vxlan", "id", "1", "dstport", "8472", "local", nodes[0].address, "nolearning"]
    lab.inside(nodes[0].pid, "ip", "link", "add", *other)
    lab.inside(nodes[0].pid, "ip", "link", "set", "flannel.1", "up")
    with pytest.raises(AssertionError, match="another device has VNI 1 and UDP port 8472"):
        await machines.start_all("vxlan")
    lab.inside(nodes[0].pid, "ip", "link", "del", "flannel.1")
    await machines.tell()
    assert DEVICE in of_ours(lab, nodes[0])


async def test_a_stale_node_object_of_this_node_does_no_harm(
    lab: Lab, machines: Machines, nodes: list[Machine]
) -> None:
    await machines.start_all("vxlan")
    (one, first), (two, second) = await machines.pod(nodes[0], "one"), await machines.pod(nodes[1], "two")
    await lab.serve(two, 80, "two")
    stale = replace(nodes[0], name="old-name")
    told = await nodes[0].ask("nodes", "node1", [stale.node(), *(node.node() for node in nodes)])
    assert told == ["old-name: its address 192.168.1.1 is that of this node"]
    assert await ask(one, second, 80) == f"two {first}"
