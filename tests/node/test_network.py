"""The pod network on a real kernel, in a network namespace of its own."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kubelet.network.attachments import HostPort
from kubelet.network.errors import NetworkError, NetworkNotReady
from kubelet.network.plan import host_link_of
from kubelet.network.pod_network import PodNetwork
from tests.node.lab import CLIENT_IP, NODE_IP, Connection, Lab, UdpClient, ask, run

CIDR = "10.244.3.0/24"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def lab(node: Lab) -> Lab:
    """The namespace alone: no kubelet runs in it."""
    return node


@pytest_asyncio.fixture
async def network(lab: Lab, tmp_path: Path) -> AsyncIterator[PodNetwork]:
    made = await started(tmp_path)
    yield made
    await lab.stop_serving()
    await made.stop()


async def started(directory: Path, cidr: str = CIDR) -> PodNetwork:
    made = PodNetwork(state_dir=directory / "network", cluster_cidrs=["10.244.0.0/16"])
    await made.start()
    await made.configure(cidr)
    return made


def links() -> set[str]:
    """The names of the node's links."""
    return {line.split(": ")[1].split("@")[0] for line in run("ip", "-o", "link").splitlines()}


def rules() -> list[str]:
    """What iptables has, without counters and times."""
    lines = [line for line in run("iptables-save").splitlines() if not line.startswith("#")]
    return [line.split(" [")[0] for line in lines]


async def test_pods_talk_to_each_other_the_node_and_the_world(lab: Lab, network: PodNetwork) -> None:
    one, two = lab.sandbox(), lab.sandbox()
    first, second = await network.attach("u1", "s1", one), await network.attach("u2", "s2", two)
    assert (first, second) == ("10.244.3.2", "10.244.3.3")
    await lab.serve(one, 80, "one")
    await lab.serve(None, 81, "node")
    await lab.serve(lab.outside, 82, "world")
    assert await ask(two, first, 80) == f"one {second}"
    assert await ask(None, first, 80) == "one 10.244.3.1"
    assert await ask(two, NODE_IP, 81) == f"node {second}"
    assert await ask(two, CLIENT_IP, 82) == f"world {NODE_IP}", "masqueraded"
    assert "mtu 1400" in lab.inside(one, "ip", "link", "show", "eth0")


async def test_forwarding_works_where_docker_forbids_it(lab: Lab, network: PodNetwork) -> None:
    run("iptables", "-P", "FORWARD", "DROP")
    pod = lab.sandbox()
    await network.attach("u1", "s1", pod)
    await lab.serve(lab.outside, 82, "world")
    assert await ask(pod, CLIENT_IP, 82) == f"world {NODE_IP}"


async def test_host_ports_from_everywhere(lab: Lab, network: PodNetwork) -> None:
    pod, other = lab.sandbox(), lab.sandbox()
    address = await network.attach("u1", "s1", pod, [HostPort(8080, 80)])
    await network.attach("u2", "s2", other)
    await lab.serve(pod, 80, "pod")
    assert await ask(lab.outside, NODE_IP, 8080) == f"pod {CLIENT_IP}", "the client's address is kept"
    assert await ask(None, NODE_IP, 8080) == f"pod {NODE_IP}"
    assert await ask(None, "127.0.0.1", 8080) == "pod 10.244.3.1"
    assert await ask(other, NODE_IP, 8080) != "refused"
    assert await ask(pod, NODE_IP, 8080) == "pod 10.244.3.1", f"{address} reaches itself"
    await network.detach("s1")
    assert await ask(lab.outside, NODE_IP, 8080) == "refused"


@pytest.mark.parametrize("hairpin", [True, False])
async def test_a_pod_hears_itself_only_with_hairpin(lab: Lab, tmp_path: Path, hairpin: bool) -> None:
    network, pod = PodNetwork(state_dir=tmp_path / "network", hairpin=hairpin), lab.sandbox()
    await network.start()
    await network.configure(CIDR)
    await network.attach("u1", "s1", pod)
    ports = run("bridge", "-d", "link", "show", "dev", host_link_of("s1"))
    assert ("hairpin on" in ports) is hairpin
    await network.stop()


async def test_a_pod_that_runs_takes_another_mtu_over(lab: Lab, network: PodNetwork, tmp_path: Path) -> None:
    pod = lab.sandbox()
    await network.attach("u1", "s1", pod)
    again = PodNetwork(state_dir=tmp_path / "network", mtu=1300)
    await again.start()
    await again.configure(CIDR)
    await again.attach("u1", "s1", pod)
    assert "mtu 1300" in lab.inside(pod, "ip", "link", "show", "eth0")
    assert {"mtu 1300" in run("ip", "link", "show", link) for link in ("cni0", host_link_of("s1"))} == {True}
    await again.stop()


async def test_udp_clients_of_a_host_port_move_to_the_next_pod(lab: Lab, network: PodNetwork) -> None:
    client = UdpClient(lab.outside, NODE_IP, 5300)
    for name in ("one", "two"):
        pod = lab.sandbox()
        await network.attach("u", name, pod, [HostPort(5300, 53, "UDP")])
        await lab.serve_udp(pod, 53, name)
        assert await client.ask() == f"{name} {CLIENT_IP}"
        await network.detach(name)
    client.close()


async def test_attaching_and_detaching_again_changes_nothing(lab: Lab, network: PodNetwork) -> None:
    pod = lab.sandbox()
    address = await network.attach("u1", "s1", pod)
    assert await network.attach("u1", "s1", pod) == address
    await network.detach("s1")
    await network.detach("s1")
    assert host_link_of("s1") not in links()
    assert network.address_of("s1") is None


async def test_a_sandbox_without_a_process_is_an_error_that_leaves_nothing(lab: Lab, network: PodNetwork) -> None:
    pod = lab.sandbox()
    lab.kill(pod)
    with pytest.raises(NetworkError, match="No such file"):
        await network.attach("u1", "s1", pod)
    await network.detach("s1")
    assert not await network.netlink.pod_links()


async def test_no_cidr_no_pods(lab: Lab, tmp_path: Path) -> None:
    network = PodNetwork(state_dir=tmp_path / "network")
    await network.start()
    assert network.not_ready() == "the node has no pod CIDR yet"
    with pytest.raises(NetworkNotReady):
        await network.attach("u1", "s1", lab.sandbox())
    await network.stop()


async def test_a_restarted_kubelet_takes_over(lab: Lab, network: PodNetwork, tmp_path: Path) -> None:
    one, two = lab.sandbox(), lab.sandbox()
    first = await network.attach("u1", "s1", one, [HostPort(8080, 80)])
    await network.attach("u2", "s2", two)
    await lab.serve(one, 80, "one")
    async with Connection(two, first, 80) as connection:
        assert await connection.ask() == "one 10.244.3.3"
        again = await started(tmp_path)
        await again.collect({"s1", "s2"})
        assert await again.attach("u1", "s1", one, [HostPort(8080, 80)]) == first
        assert await connection.ask() == "one 10.244.3.3"
        assert await ask(lab.outside, NODE_IP, 8080) == f"one {CLIENT_IP}"
        assert await again.attach("u3", "s3", lab.sandbox()) == "10.244.3.4"
        await again.stop()


async def test_collect_frees_what_died_meanwhile(lab: Lab, network: PodNetwork, tmp_path: Path) -> None:
    gone, kept = lab.sandbox(), lab.sandbox()
    await network.attach("u1", "gone", gone, [HostPort(8080, 80)])
    await network.attach("u2", "kept", kept)
    run("ip", "link", "add", "vethleaked", "type", "veth", "peer", "name", "vethpeer")
    run("ip", "link", "set", "vethleaked", "master", "cni0")
    again = await started(tmp_path)
    await again.collect({"kept"})
    assert await again.netlink.pod_links() == [host_link_of("kept")]
    assert [path.name for path in (tmp_path / "network").iterdir()] == ["kept.json"]
    assert not [rule for rule in rules() if "KUBELET-HP-" in rule]
    await again.stop()


async def test_many_at_once_get_addresses_of_their_own(lab: Lab, network: PodNetwork) -> None:
    pods = [lab.sandbox() for _ in range(20)]
    addresses = await asyncio.gather(*(network.attach(f"u{n}", f"s{n}", pod) for n, pod in enumerate(pods)))
    assert len(set(addresses)) == 20


async def test_what_someone_removed_comes_back(lab: Lab, network: PodNetwork) -> None:
    pod = lab.sandbox()
    address = await network.attach("u1", "s1", pod)
    await lab.serve(pod, 80, "one")
    before = rules()
    for table in ("nat", "filter"):
        run("iptables", "-t", table, "-F")
        run("iptables", "-t", table, "-X")
    run("ip", "link", "delete", "cni0")
    await network.resync()
    assert rules() == before
    assert await ask(None, address, 80) == "one 10.244.3.1", "the pods are plugged in again"


async def test_another_cidr_keeps_the_old_pods_reachable(lab: Lab, network: PodNetwork, tmp_path: Path) -> None:
    one, two = lab.sandbox(), lab.sandbox()
    first = await network.attach("u1", "s1", one)
    await network.configure("10.244.9.0/24")
    second = await network.attach("u2", "s2", two)
    assert second.startswith("10.244.9.")
    await lab.serve(one, 80, "one")
    await lab.serve(lab.outside, 82, "world")
    again = await started(tmp_path, "10.244.9.0/24")
    assert await again.attach("u1", "s1", one) == first
    await again.resync()
    for pod in (two, None):
        assert (await ask(pod, first, 80)).startswith("one ")
    assert await ask(one, CLIENT_IP, 82) == f"world {NODE_IP}"
    await again.detach("s1")
    await again.resync()
    assert "10.244.3." not in run("ip", "addr") + run("iptables-save")
    await again.stop()


async def test_cleanup_leaves_nothing(lab: Lab, tmp_path: Path) -> None:
    links_before, rules_before = links(), rules()
    network = await started(tmp_path)
    await network.attach("u1", "s1", lab.sandbox(), [HostPort(8080, 80)])
    await network.stop()
    command = [sys.executable, "-m", "kubelet.network.cleanup", "--root-dir", str(tmp_path)]
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert links() == links_before
    assert [rule for rule in rules() if "KUBELET" in rule] == []
    assert [rule for rule in rules_before if rule not in rules()] == []
    assert not (tmp_path / "network").exists()


_CHURN = """
import asyncio, sys
from pathlib import Path
from kubelet.network.attachments import HostPort
from kubelet.network.pod_network import PodNetwork

async def churn(directory, pids):
    network = PodNetwork(state_dir=Path(directory))
    await network.start()
    await network.configure("10.244.3.0/24")
    print("going", flush=True)
    while True:
        ports = [[HostPort(8000 + n, 80)] for n in range(len(pids))]
        await asyncio.gather(*(network.attach("u", f"s{n}", pid, ports[n]) for n, pid in enumerate(pids)))
        await asyncio.gather(*(network.detach(f"s{n}") for n in range(len(pids))))

asyncio.run(churn(sys.argv[1], [int(pid) for pid in sys.argv[2:]]))
"""


async def test_killed_at_any_moment_it_converges(lab: Lab, tmp_path: Path) -> None:
    pods = [lab.sandbox() for _ in range(4)]
    arguments = [sys.executable, "-c", _CHURN, str(tmp_path / "network"), *map(str, pods)]
    for _ in range(5):
        process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY)
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(random.uniform(0, 0.4))  # wherever it is by then
        process.kill()
        await process.communicate()
        network = await started(tmp_path)
        await network.collect({"s0", "s1"})
        for number in (0, 1):
            await network.attach("u", f"s{number}", pods[number], [HostPort(8000 + number, 80)])
        addresses = {network.address_of("s0"), network.address_of("s1")}
        assert len(addresses) == 2
        assert set(await network.netlink.pod_links()) == {host_link_of("s0"), host_link_of("s1")}
        assert len([rule for rule in rules() if rule.startswith(":KUBELET-HP-")]) == 2
        for number in (0, 1):
            assert str(network.address_of(f"s{number}")) in lab.inside(pods[number], "ip", "addr", "show", "eth0")
        await network.stop()
