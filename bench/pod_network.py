"""How fast a node's pod network is made: routes to many other nodes, and pods attached and detached.

`python -m bench.pod_network` (as root) makes a network namespace of its own: the host's links and rules are neither
counted nor touched."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from kubelet.network.backend.peers import Peer
from kubelet.network.backend.plan import Backend
from kubelet.network.pod_network import PodNetwork

_INSIDE = "BENCH_NETWORK_INSIDE"
_NODE_IP, _UNDERLAY = "10.0.0.1", 16
_POD_CIDR = "10.244.0.0/24"


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="bench.pod_network", description=__doc__)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--pods", type=int, default=50)
    options = parser.parse_args(argv)
    if not os.environ.get(_INSIDE):
        unshare = shutil.which("unshare") or "unshare"
        command = [unshare, "-n", sys.executable, "-m", "bench.pod_network", f"--nodes={options.nodes}",
                   f"--pods={options.pods}"]  # fmt: skip
        return subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=False).returncode
    logging.getLogger("pyroute2").setLevel(logging.WARNING)
    _run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "wire")
    _run("ip", "addr", "add", f"{_NODE_IP}/{_UNDERLAY}", "dev", "uplink")
    _run("ip", "link", "set", "uplink", "up")
    _run("ip", "link", "set", "wire", "up")
    for backend in (Backend.VXLAN, Backend.HOST_GW):
        uvloop.run(_measure(backend, options.nodes, options.pods))
    return 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=30)


async def _measure(backend: Backend, nodes: int, pods: int) -> None:
    peers = _peers(nodes)
    with tempfile.TemporaryDirectory() as directory:
        network = PodNetwork(
            state_dir=Path(directory) / "network", cluster_cidrs=["10.128.0.0/9"], backend=backend,
            node_ip=lambda: _NODE_IP,
        )  # fmt: skip
        await network.start()
        await _timed(f"{backend}: the node's own part", lambda: network.configure(_POD_CIDR, []))
        await _timed(f"{backend}: {nodes} other nodes", lambda: network.configure(_POD_CIDR, peers))
        await _timed(f"{backend}: a look that finds all as it should be", network.resync_routes)
        await _timed(f"{backend}: one node goes", lambda: network.configure(_POD_CIDR, peers[:-1]))
        if backend is Backend.VXLAN:
            await _pods(network, pods)
        await network.cleanup()
        await network.stop()


async def _pods(network: PodNetwork, pods: int) -> None:
    sandboxes = [await _sandbox() for _ in range(pods)]
    try:

        async def attach_all() -> None:
            await asyncio.gather(*(network.attach("u", f"s{n}", s.pid) for n, s in enumerate(sandboxes)))

        async def detach_all() -> None:
            await asyncio.gather(*(network.detach(f"s{n}") for n in range(pods)))

        await _timed(f"{pods} pods attached", attach_all)
        await _timed(f"{pods} pods detached", detach_all)
    finally:
        for sandbox in sandboxes:
            sandbox.kill()
            await sandbox.wait()


async def _sandbox() -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        "unshare", "-n", "sh", "-c", "echo; exec sleep 600", stdout=asyncio.subprocess.PIPE
    )
    if process.stdout is not None:
        await process.stdout.readline()  # now it is in its namespace
    return process


def _peers(count: int) -> list[Peer]:
    underlay = ipaddress.IPv4Network(f"{_NODE_IP}/{_UNDERLAY}", strict=False)
    first = int(ipaddress.IPv4Address("10.128.0.0"))
    return [
        Peer(f"node{n}", str(underlay[n + 2]), f"{ipaddress.IPv4Address(first + 256 * n)}/24") for n in range(count)
    ]


async def _timed(what: str, work: Callable[[], Awaitable[object]]) -> None:
    began, worked = time.perf_counter(), time.process_time()
    await work()
    wall, own = time.perf_counter() - began, time.process_time() - worked
    print(f"{what:<48}{wall * 1000:8.0f} ms{own * 1000:8.0f} ms CPU")


if __name__ == "__main__":
    sys.exit(main())
