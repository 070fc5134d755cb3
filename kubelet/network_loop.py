"""Brings the pod network up with the range in this node's object, and keeps it in step with every node's.

The network itself is in `network/`; here is what it is told, and who is told of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from apimachinery.objects import Object, name_of
from client.informer import Informer
from component.process import Process
from kubelet.network.backend.peers import Problem, peer_of, peers_of, pod_cidr_of
from kubelet.network.errors import NetworkError
from kubelet.network.node_network import NodeNetwork

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class NetworkLoop:
    """One task. `up` is called whenever the network has come up with a range, `tell` writes an Event about the node
    (reason, message)."""

    def __init__(
        self, network: NodeNetwork, node_name: str, pod_cidr: str, *, up: Callable[[], Awaitable[None]],
        tell: Callable[[str, str], None],
    ) -> None:  # fmt: skip
        """`pod_cidr` counts while the Node object has none."""
        self._network = network
        self._node_name = node_name
        self._pod_cidr = pod_cidr
        self._up = up
        self._tell = tell
        self._changed = asyncio.Event()
        self._told: tuple[Problem, ...] = ()

    async def run(self, process: Process, nodes: Informer) -> None:
        """Follow the Node objects until cancelled."""
        nodes.on_change(self._node_changed)
        started, current = False, None
        while True:
            self._changed.clear()
            try:
                if not started:
                    await self._network.start()
                    started = True
                    process.spawn("network-resync", self._network.run())
                    process.spawn("network-config", self._network.run_configuration(self._changed.set))
                cidr = self._own_cidr(nodes)
                # Before a list has come, nobody is known to be gone.
                peers = peers_of(nodes.store.list(), self._node_name) if nodes.synced else None
                wanted = (self._network.plugin, cidr, peers)
                if wanted != current and await self._network.configure(cidr, peers):
                    if current is None or wanted[:2] != current[:2]:
                        await self._up()
                    current = wanted
            except (NetworkError, ValueError) as error:
                logger.error("The pod network is not ready", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._tell_problems()
            await self._changed.wait()

    def _own_cidr(self, nodes: Informer) -> str:
        node = nodes.store.get(self._node_name)
        return (node and pod_cidr_of(node)) or self._pod_cidr

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if name_of(new or old or {}) == self._node_name or (old and peer_of(old)) != (new and peer_of(new)):
            self._changed.set()

    def _tell_problems(self) -> None:
        problems = self._network.unreachable()
        for problem in problems:
            if problem not in self._told:
                self._tell("FailedToCreateRoute", f"Could not create a route to node {problem.node}: {problem.text}")
        self._told = problems
