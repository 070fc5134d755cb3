"""Sandboxes on the networks of real CNI plugins (package containernetworking-plugins), in a namespace of the test's."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kubelet.network.attachments import HostPort
from kubelet.network.cni.invoke import Call, run_plugin
from kubelet.network.errors import NetworkError, NetworkNotReady
from kubelet.network.sandbox_request import INGRESS, SandboxRequest
from tests.node.cni_plugins import Plugins
from tests.node.lab import CLIENT_IP, NODE_IP, Connection, Lab, ask, run

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def lab(node: Lab) -> Lab:
    """The namespace alone: no kubelet runs in it."""
    return node


@pytest_asyncio.fixture
async def plugins(lab: Lab, tmp_path: Path) -> AsyncIterator[Plugins]:
    yield Plugins(tmp_path, tmp_path / "net.d")
    await lab.stop_serving()


def request(sandbox_id: str, pid: int, *ports: HostPort, **annotations: str) -> SandboxRequest:
    return SandboxRequest(sandbox_id, pid, "u1", "default", sandbox_id, ports, annotations)


@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
async def test_a_chain_of_plugins_of_every_version(lab: Lab, plugins: Plugins, version: str) -> None:
    plugins.write(plugins.network(version))
    network = await plugins.started()
    one, two = lab.sandbox(), lab.sandbox()
    first = await network.attach(request("one", one, HostPort(8080, 80), **{INGRESS: "8M"}))
    second = await network.attach(request("two", two))
    assert (first, second) == ("10.22.0.2", "10.22.0.3")
    await lab.serve(one, 80, "one")
    await lab.serve(lab.outside, 82, "world")
    assert await ask(two, first, 80) == f"one {second}"
    assert await ask(lab.outside, NODE_IP, 8080) == f"one {CLIENT_IP}"
    assert await ask(two, CLIENT_IP, 82) == f"world {NODE_IP}"
    assert "LOOPBACK,UP" in lab.inside(one, "ip", "link", "show", "lo")
    assert "rate 8Mbit" in run("tc", "qdisc")
    for name in ("one", "two", "two"):
        await network.detach(name)
    assert (plugins.leases(), plugins.remembered()) == (set(), set())
    assert await ask(lab.outside, NODE_IP, 8080) == "refused"
    assert "rate 8Mbit" not in run("tc", "qdisc")
    await network.stop()


async def test_a_restarted_kubelet_takes_over_and_removes_what_died(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network())
    network = await plugins.started()
    kept, gone = lab.sandbox(), lab.sandbox()
    address = await network.attach(request("kept", kept, HostPort(8080, 80)))
    await network.attach(request("gone", gone, HostPort(9090, 80)))
    await lab.serve(kept, 80, "kept")
    async with Connection(lab.outside, NODE_IP, 8080) as connection:
        assert await connection.ask() == f"kept {CLIENT_IP}"
        await network.stop()
        lab.kill(gone)
        # What is in force now does not matter to DEL: it gets the configuration of its ADD.
        plugins.write({**plugins.network(subnet="10.33.0.0/24", bridge="br1"), "name": "others"})
        again = await plugins.started()
        assert await again.attach(request("kept", kept, HostPort(8080, 80))) == address
        await again.collect({"kept"})
        assert (plugins.leases(), plugins.remembered()) == ({address}, {"kept"})
        assert "9090" not in run("iptables-save", "-t", "nat")
        assert await connection.ask() == f"kept {CLIENT_IP}"
    await again.detach("kept")
    assert plugins.leases() == set()
    await again.stop()


async def test_what_a_plugin_complains_of_is_told_and_undone(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network(subnet="10.22.0.0/30"))
    network = await plugins.started()
    await network.attach(request("one", lab.sandbox()))
    with pytest.raises(NetworkError) as refused:
        await network.attach(request("two", lab.sandbox()))
    text = 'plugin type="bridge" name="pods" failed (add): failed to allocate for range 0: '
    assert str(refused.value).startswith(text)
    assert "no IP addresses available in range set: 10.22.0.1-10.22.0.2" in str(refused.value)
    assert plugins.remembered() == {"one"}
    await network.detach("one")
    assert await network.attach(request("two", lab.sandbox())) == "10.22.0.2"
    await network.stop()


async def test_an_add_that_was_cut_short_is_undone_first(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network())
    network, pod = await plugins.started(), lab.sandbox()
    address = await network.attach(request("one", pod))
    await network.stop()
    path = plugins.directory / "cni" / "one.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "result": None}))  # as before the answer came
    again = await plugins.started()
    assert await again.attach(request("one", pod)) != address
    assert len(plugins.leases()) == 1
    await again.stop()


async def test_a_process_that_got_the_pid_of_a_dead_sandbox_is_left_alone(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network())
    network, pod, stranger = await plugins.started(), lab.sandbox(), lab.sandbox()
    await network.attach(request("one", pod))
    await network.attach(request("stranger", stranger))
    await network.stop()
    path = plugins.directory / "cni" / "one.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "netns": f"/proc/{stranger}/ns/net"}))
    again = await plugins.started()
    await again.detach("one")
    assert "eth0" in lab.inside(stranger, "ip", "link"), "its link is not taken for the sandbox's"
    assert len(plugins.leases()) == 1
    await again.stop()


async def test_a_configuration_that_cannot_be_used_is_no_reason_to_use_another_network(plugins: Plugins) -> None:
    plugins.write(plugins.network())
    network = await plugins.started(bin_dirs=("/nowhere",))
    where = f"no valid networks found in {plugins.conf_dir}"
    complaint = 'failed to find plugin "bridge" in path [/nowhere]'
    assert network.not_ready() == f"{where}: 10-pods.conflist: {complaint}"
    with pytest.raises(NetworkNotReady):
        await network.attach(request("one", 1))
    await network.stop()


async def test_the_kubelets_own_network_gives_way_and_comes_back(lab: Lab, plugins: Plugins) -> None:
    network = await plugins.started()
    old, new = lab.sandbox(), lab.sandbox()
    before = await network.attach(request("old", old))
    assert before.startswith("10.244.3.")
    plugins.write(plugins.network())
    await network._cni.directory.look()
    await network.configure("10.244.3.0/24", None)
    assert (await network.attach(request("new", new))).startswith("10.22.0.")
    assert await network.attach(request("old", old)) == before, "a sandbox stays where it is"
    await network.collect({"old", "new"})
    await lab.serve(new, 80, "new")
    await lab.serve(old, 80, "old")
    assert await ask(None, before, 80) == "old 10.244.3.1"
    await network.detach("old")
    await network.collect({"new"})
    assert "cni0" not in run("ip", "link")
    assert "KUBELET" not in run("iptables-save")
    (plugins.conf_dir / "10-pods.conflist").unlink()
    await network._cni.directory.look()
    await network.configure("10.244.3.0/24", None)
    assert (await network.attach(request("back", lab.sandbox()))).startswith("10.244.3.")
    await network.detach("new")
    assert plugins.leases() == set()
    await network.stop()


async def test_a_bridge_of_the_same_name_is_the_plugins_own(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network(bridge="cni0"))
    network = await plugins.started()
    await network.attach(request("one", lab.sandbox()))
    run("ip", "link", "add", "vethother", "type", "veth", "peer", "name", "vethpeer")
    run("ip", "link", "set", "vethother", "master", "cni0")
    before = run("ip", "-o", "link")
    await network.collect({"one"})
    assert run("ip", "-o", "link") == before
    await network.stop()


async def test_a_plugin_that_does_not_answer_is_killed(tmp_path: Path) -> None:
    plugin, answer = tmp_path / "slow", tmp_path / "pipe"
    os.mkfifo(answer)
    plugin.write_text(f"#!/bin/sh\nexec 3<>{answer}; exec sleep 600\n")
    plugin.chmod(0o755)
    with pytest.raises(NetworkError, match="did not answer"):
        await run_plugin(plugin, Call("ADD", "s1", "", ""), [str(tmp_path)], {}, seconds=2)
    with pytest.raises(OSError, match="No such device or address"):  # nobody has the other end open
        os.close(os.open(answer, os.O_WRONLY | os.O_NONBLOCK))


async def test_cleanup_runs_del_and_leaves_nothing(lab: Lab, plugins: Plugins) -> None:
    plugins.write(plugins.network())
    network, pod = await plugins.started(), lab.sandbox()
    await network.attach(request("one", pod, HostPort(8080, 80)))
    await network.stop()
    command = [sys.executable, "-m", "kubelet.network.cleanup", "--root-dir", str(plugins.directory)]
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    assert plugins.leases() == set()
    assert "8080" not in run("iptables-save", "-t", "nat")
    assert not (plugins.directory / "cni").exists()
