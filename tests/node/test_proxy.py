"""kube-proxy's rules on a real kernel, in a network namespace of its own, with every variant of iptables here."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from component.iptables import Iptables
from kubelet.network.pod_network import PodNetwork
from proxy import sysctl
from proxy.app import clean_up
from proxy.conntrack import KernelFlowCleaner
from proxy.localaddresses import local_addresses
from proxy.proxier import Proxier
from proxy.rules.model import NodeSettings
from proxy.sources import LocalSource
from tests.node.lab import CLIENT_IP, NODE_IP, Connection, Lab, UdpClient, ask, fresh_namespace, run
from tests.unit.proxy.objects import endpoint, endpoint_slice, service

NODE_PORT = [{"port": 80, "protocol": "TCP", "nodePort": 30001}]
VARIANTS = [name for name in ("iptables-nft", "iptables-legacy") if shutil.which(name)]


@dataclass
class Node:
    """Two pods on a node, a client outside, and a proxier."""

    lab: Lab
    network: PodNetwork
    pods: tuple[int, int]
    addresses: tuple[str, str]
    services: LocalSource
    slices: LocalSource
    proxier: Proxier

    async def serve(self, *objects: dict[str, object]) -> None:
        """Put the objects and sync."""
        for found in objects:
            (self.services if found["kind"] == "Service" else self.slices).put(found)
        await self.proxier.sync()


def new_proxier() -> tuple[LocalSource, LocalSource, Proxier]:
    services, slices = LocalSource(), LocalSource()
    proxier = Proxier(
        services=services,
        endpoint_slices=slices,
        packet_filter=Iptables(),
        flows=KernelFlowCleaner(),
        node=NodeSettings(cluster_cidr="10.244.0.0/16"),
        node_name="n1",
    )
    return services, slices, proxier


@pytest.fixture(params=VARIANTS)
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            program = shutil.which(request.param.replace("iptables", family) + suffix)
            assert program is not None
            (tmp_path / f"{family}{suffix}").symlink_to(Path(program).resolve())
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with fresh_namespace():
        made = Lab()
        yield made
        made.close()


@pytest_asyncio.fixture
async def node(lab: Lab, tmp_path: Path) -> AsyncIterator[Node]:
    network = PodNetwork(state_dir=tmp_path / "network", cluster_cidrs=["10.244.0.0/16"])
    await network.start()
    await network.configure("10.244.3.0/24")
    sysctl.prepare(localhost_node_ports=True, conntrack=sysctl.Conntrack(0, 0, 0, 0))
    # The client's network knows the way to cluster IPs, as a host with routes to the cluster would.
    lab.inside(lab.outside, "ip", "route", "add", "10.96.0.0/16", "via", NODE_IP)
    one, two = lab.sandbox(), lab.sandbox()
    addresses = (await network.attach("u1", "s1", one), await network.attach("u2", "s2", two))
    await lab.serve(one, 8080, "one")
    await lab.serve(two, 8080, "two")
    yield Node(lab, network, (one, two), addresses, *new_proxier())
    await lab.stop_serving()
    await network.stop()


async def test_cluster_ip_and_node_port_from_everywhere(node: Node) -> None:
    web = service(type="NodePort", ports=NODE_PORT)
    await node.serve(web, endpoint_slice("web", endpoint(node.addresses[0])))
    other, client = node.pods[1], node.lab.outside
    assert await ask(other, "10.96.0.10", 80) == f"one {node.addresses[1]}", "pods keep their address"
    assert await ask(None, "10.96.0.10", 80) == "one 10.244.3.1"
    assert await ask(client, "10.96.0.10", 80) == "one 10.244.3.1"
    assert await ask(client, NODE_IP, 30001) == "one 10.244.3.1"
    assert await ask(None, NODE_IP, 30001) == "one 10.244.3.1"
    assert await ask(None, "127.0.0.1", 30001) == "one 10.244.3.1"
    assert await ask(other, NODE_IP, 30001) == "one 10.244.3.1"
    assert await ask(node.pods[0], "10.96.0.10", 80) == "one 10.244.3.1", "a pod reaches itself"


async def test_traffic_is_spread_and_follows_the_endpoints(node: Node) -> None:
    await node.serve(service(), endpoint_slice("web", *(endpoint(address) for address in node.addresses)))
    seen = {(await ask(None, "10.96.0.10", 80)).split()[0] for _ in range(60)}
    assert seen == {"one", "two"}
    await node.serve(endpoint_slice("web", endpoint(node.addresses[1])))
    assert {(await ask(None, "10.96.0.10", 80)).split()[0] for _ in range(10)} == {"two"}
    await node.serve(endpoint_slice("web"))
    assert await ask(None, "10.96.0.10", 80) == "refused"
    assert await ask(node.pods[0], "10.96.0.10", 80) == "refused"


async def test_policy_local_keeps_the_clients_address(node: Node) -> None:
    web = service(type="NodePort", ports=NODE_PORT, externalTrafficPolicy="Local")
    await node.serve(web, endpoint_slice("web", endpoint(node.addresses[0]), endpoint(node.addresses[1], "n2")))
    assert {await ask(node.lab.outside, NODE_IP, 30001) for _ in range(10)} == {f"one {CLIENT_IP}"}


async def test_internal_policy_local_stays_on_the_node(node: Node) -> None:
    web = service(internalTrafficPolicy="Local")
    await node.serve(web, endpoint_slice("web", endpoint(node.addresses[0]), endpoint(node.addresses[1], "n2")))
    assert {(await ask(node.pods[1], "10.96.0.10", 80)).split()[0] for _ in range(10)} == {"one"}


async def test_addresses_of_load_balancers_and_external_ones(node: Node) -> None:
    web = service(
        type="LoadBalancer",
        externalIPs=["198.51.100.5"],
        loadBalancerSourceRanges=["10.244.0.0/16", "198.18.0.0/15"],
        status={"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}},
    )
    await node.serve(web, endpoint_slice("web", endpoint(node.addresses[0])))
    node.lab.inside(node.lab.outside, "ip", "route", "add", "198.51.100.0/24", "via", NODE_IP)
    assert (await ask(node.lab.outside, "198.51.100.5", 80)).startswith("one ")
    assert (await ask(node.pods[1], "198.51.100.9", 80)).startswith("one ")
    with pytest.raises(TimeoutError):  # dropped: its address is in none of the ranges
        async with asyncio.timeout(0.5):
            await ask(node.lab.outside, "198.51.100.9", 80)
    web["spec"]["loadBalancerSourceRanges"] = [f"{CLIENT_IP}/32"]
    await node.serve({**web, "spec": dict(web["spec"])})
    assert (await ask(node.lab.outside, "198.51.100.9", 80)).startswith("one ")


async def test_endpoints_that_terminate_serve_until_there_are_ready_ones(node: Node) -> None:
    ending = endpoint(node.addresses[0], ready=False, serving=True, terminating=True)
    web = service(type="NodePort", ports=NODE_PORT, externalTrafficPolicy="Local")
    await node.serve(web, endpoint_slice("web", ending))
    assert (await ask(node.lab.outside, NODE_IP, 30001)) == f"one {CLIENT_IP}"
    await node.serve(endpoint_slice("web", ending, endpoint(node.addresses[1])))
    assert {(await ask(node.lab.outside, NODE_IP, 30001)).split()[0] for _ in range(10)} == {"two"}
    await node.serve(endpoint_slice("web", {**ending, "conditions": {**ending["conditions"], "serving": False}}))
    assert await ask(node.pods[1], "10.96.0.10", 80) == "refused"


async def test_session_affinity_ends_after_its_time(node: Node) -> None:
    web = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 1}})
    await node.serve(web, endpoint_slice("web", *(endpoint(address) for address in node.addresses)))
    seen = {(await ask(node.lab.outside, "10.96.0.10", 80)).split()[0]}
    async with asyncio.timeout(60):
        while len(seen) < 2:
            # Each answer renews the time, so a try that finds the same endpoint is followed by a silence of over one.
            await asyncio.sleep(2.1)
            seen.add((await ask(node.lab.outside, "10.96.0.10", 80)).split()[0])


async def test_session_affinity_holds(node: Node) -> None:
    web = service(sessionAffinity="ClientIP")
    await node.serve(web, endpoint_slice("web", *(endpoint(address) for address in node.addresses)))
    assert len({await ask(node.lab.outside, "10.96.0.10", 80) for _ in range(20)}) == 1


async def test_udp_clients_move_to_new_endpoints(node: Node) -> None:
    for pod, name in zip(node.pods, ("one", "two"), strict=True):
        await node.lab.serve_udp(pod, 5353, name)
    dns = service("dns", "10.96.0.53", ports=[{"port": 53, "protocol": "UDP"}])
    await node.serve(dns, endpoint_slice("dns", endpoint(node.addresses[0]), port=5353, protocol="UDP"))
    client = UdpClient(node.lab.outside, "10.96.0.53", 53)
    assert (await client.ask()).startswith("one ")
    await node.serve(endpoint_slice("dns", endpoint(node.addresses[1]), port=5353, protocol="UDP"))
    assert (await client.ask()).startswith("two "), "from the same socket"
    client.close()


async def test_connections_and_rules_survive_the_proxy(node: Node) -> None:
    web = service(type="NodePort", ports=NODE_PORT)
    web_slice = endpoint_slice("web", endpoint(node.addresses[0]))
    await node.serve(web, web_slice, service("old", "10.96.0.11"), endpoint_slice("old", endpoint(node.addresses[1])))
    async with Connection(node.lab.outside, NODE_IP, 30001) as connection:
        assert (await connection.ask()).startswith("one")
        services, slices, proxier = new_proxier()  # a proxy that knows nothing of the one before
        services.put(web)
        slices.put(web_slice)
        await proxier.sync()
        assert (await connection.ask()).startswith("one")
    assert await ask(node.lab.outside, NODE_IP, 30001) == "one 10.244.3.1"
    assert "default/old" not in run("iptables-save")


async def test_nobody_notices_that_all_is_loaded_anew(node: Node) -> None:
    web = service(type="NodePort", ports=NODE_PORT)
    web_slice = endpoint_slice("web", *(endpoint(address) for address in node.addresses))
    await node.serve(web, web_slice)
    done = asyncio.Event()

    async def client() -> int:
        asked = 0
        while not done.is_set():
            assert (await ask(node.lab.outside, NODE_IP, 30001)).split()[0] in ("one", "two")
            asked += 1
        return asked

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(client())
        for _ in range(10):
            services, slices, proxier = new_proxier()
            services.put(web)
            slices.put(web_slice)
            await proxier.sync()
        done.set()
    assert asking.result() > 10


async def test_cleanup_leaves_what_others_own(node: Node) -> None:
    run("iptables", "-t", "nat", "-N", "DOCKER")
    run("iptables", "-t", "nat", "-A", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DOCKER")
    before = foreign_rules()
    await node.serve(service(), endpoint_slice("web", endpoint(node.addresses[0])), service("none", "10.96.0.11"))
    assert foreign_rules() == before
    await clean_up(Iptables())
    await clean_up(Iptables())
    assert "KUBE-" not in run("iptables-save")
    assert foreign_rules() == before


def foreign_rules() -> list[str]:
    """The rules of others, in order."""
    lines = [line for line in run("iptables-save").splitlines() if line.startswith("-")]
    return [line for line in lines if "KUBE-" not in line]


async def test_ipv6(lab: Lab) -> None:
    run("ip", "addr", "add", "fd00::1/64", "dev", "uplink", "nodad")
    run("ip", "route", "add", "default", "via", "fd00::2", "dev", "uplink")
    services, slices = LocalSource(), LocalSource()
    proxier = Proxier(
        services=services,
        endpoint_slices=slices,
        packet_filter=Iptables(ipv6=True),
        flows=KernelFlowCleaner(ipv6=True),
        node=NodeSettings(cluster_cidr="fd00:244::/64", ipv6=True),
        node_name="n1",
    )
    services.put(service(cluster_ip="fd00:96::10", type="NodePort", ports=NODE_PORT))
    slices.put({**endpoint_slice("web", endpoint("fd00::1")), "addressType": "IPv6"})
    await proxier.sync()
    listener = socket.create_server(("fd00::1", 8080), family=socket.AF_INET6)
    loop = asyncio.get_running_loop()
    for target in (("fd00:96::10", 80), ("fd00::1", 30001)):
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as client:
            client.setblocking(False)
            async with asyncio.timeout(5):
                await loop.sock_connect(client, target)
    listener.close()
    services.put(service("dns", "fd00:96::53", ports=[{"port": 53, "protocol": "UDP"}]))
    servers = {port: udp_server("fd00::1", port) for port in (5353, 5454)}
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for port, listening in servers.items():
        slices.put({**endpoint_slice("dns", endpoint("fd00::1"), port=port, protocol="UDP"), "addressType": "IPv6"})
        await proxier.sync()
        client.sendto(b"?", ("fd00:96::53", 53))
        async with asyncio.timeout(5):
            assert await loop.sock_recv(listening, 10) == b"?", "from the same socket, to the new endpoint"
        listening.close()
    client.close()


def udp_server(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.bind((address, port))
    made.setblocking(False)
    return made


async def test_local_addresses(lab: Lab) -> None:
    assert set(await local_addresses()) == {"127.0.0.1", NODE_IP}
