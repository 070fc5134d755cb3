"""`python -m tests.node.network_agent STATE_DIR BACKEND NODE_IP`: one node's pod network, driven by lines of JSON.

It runs in the network namespace where it is started. A line is [method, argument, ...] of `Agent`; the answer is a
line as well: {"value": ...} or {"error": text}."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from kubelet.network.backend.peers import peers_of
from kubelet.network.backend.plan import Backend
from kubelet.network.errors import NetworkError
from kubelet.network.pod_network import PodNetwork

CLUSTER_CIDR = "10.244.0.0/16"


class Agent:
    """The methods that lines name."""

    def __init__(self, state_dir: str, backend: str, node_ip: str) -> None:
        self._network = PodNetwork(
            state_dir=Path(state_dir), cluster_cidrs=[CLUSTER_CIDR], backend=Backend(backend), node_ip=lambda: node_ip
        )

    async def start(self, cidr: str) -> None:
        """Up with this range."""
        self._cidr = cidr
        await self._network.start()
        await self._network.configure(cidr)

    async def nodes(self, own_name: str, nodes: list[dict[str, Any]]) -> list[str]:
        """These are the Node objects now; who cannot be reached."""
        await self._network.configure(self._cidr, peers_of(nodes, own_name))
        return [f"{problem.node}: {problem.text}" for problem in self._network.unreachable()]

    async def attach(self, sandbox: str, pid: int) -> str:
        """The sandbox's address."""
        return await self._network.attach(sandbox, sandbox, pid)

    async def resync(self) -> None:
        """As every 10 s."""
        await self._network.resync_routes()

    async def cleanup(self) -> None:
        """Remove everything."""
        await self._network.cleanup()


async def main() -> None:
    """Answer until the input ends."""
    agent = Agent(*sys.argv[1:])
    while line := await asyncio.to_thread(sys.stdin.readline):
        method, *arguments = json.loads(line)
        try:
            answer = {"value": await getattr(agent, method)(*arguments)}
        except NetworkError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
