"""Keeps the kernel's way to the pods of other nodes as it should be: observe, plan, act.

Level-triggered: every call looks at the kernel afresh, so it does not matter who changed what, or what a kubelet
that was killed left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from kubelet.network.backend import kernel
from kubelet.network.backend.peers import Peer, Problem, usable
from kubelet.network.backend.plan import (
    DEVICE,
    Backend,
    Entry,
    LinkAddress,
    State,
    changes,
    peer_of_entry,
    pod_mtu,
    underlay_of,
    wanted_state,
)
from kubelet.network.errors import NetworkError
from kubelet.network.netlink import Netlink

logger = logging.getLogger(__name__)

_AT_ONCE = 300


class NodeRoutes:
    """The routes to other nodes' pods. `mtu` 0: what fits the underlay."""

    def __init__(self, netlink: Netlink, backend: Backend, node_ip: Callable[[], str], mtu: int = 0) -> None:
        self._netlink = netlink
        self.backend = backend
        self._node_ip = node_ip
        self._mtu = mtu
        self.problems: tuple[Problem, ...] = ()  #: who cannot be reached since the last `sync`, and why

    async def pod_mtu(self) -> int:
        """The MTU for bridge and pods. Raises NetworkError."""
        underlay = underlay_of(await self._addresses(), self._node_ip())
        mtu = underlay.mtu if underlay and underlay.link != "lo" else await self._netlink.uplink_mtu()
        return pod_mtu(self.backend, mtu, self._mtu)

    async def sync(self, pod_cidr: str, mtu: int, peers: Sequence[Peer]) -> None:
        """Make the kernel agree. Raises NetworkError where nothing can be reached."""
        addresses, node_ip = await self._addresses(), self._node_ip()
        if self.backend is not Backend.NONE and peers and underlay_of(addresses, node_ip) is None:
            raise NetworkError(f"the node's address {node_ip} is on no link: set --node-ip")
        good, problems = usable(peers, node_ip, pod_cidr)
        wanted, unreachable = wanted_state(self.backend, node_ip, pod_cidr, mtu, good, addresses)
        try:
            refused = await self._make(wanted)
        except NetworkError as error:
            if peers:
                raise
            # Nothing needs it before there is another node.
            logger.warning("The way to other nodes cannot be prepared", extra={"error": str(error)})
            return
        problems += unreachable
        problems += [Problem(peer_of_entry(entry, good) or "unknown", f"{entry}: {text}") for entry, text in refused]
        self._tell(tuple(problems))

    def _tell(self, problems: tuple[Problem, ...]) -> None:
        if problems != self.problems:
            for problem in problems:
                logger.error("Pods of a node cannot be reached", extra={"node": problem.node, "error": problem.text})
        self.problems = problems

    async def _make(self, wanted: State) -> list[tuple[Entry, str]]:
        present = await self._netlink.call("routes to other nodes", kernel.observe)
        todo = changes(wanted, present)
        if not todo:
            return []
        refused = []
        for start in range(0, len(todo), _AT_ONCE):  # each call has a time limit
            batch = todo[start : start + _AT_ONCE]
            refused += await self._netlink.call(f"link {DEVICE}", partial(kernel.apply, batch))
        logger.info("Changed the way to other nodes", extra={"backend": str(self.backend), "changes": len(todo)})
        return refused

    async def _addresses(self) -> list[LinkAddress]:
        return await self._netlink.call("addresses", kernel.link_addresses)

    async def remove(self) -> None:
        """Remove the device and every route of ours. Raises NetworkError."""
        await self._make(State())
        self.problems = ()
