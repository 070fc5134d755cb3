"""List and delete UDP entries of the kernel's connection tracking, by netlink (pyroute2).

uvloop carries no AF_NETLINK sockets: the work runs on a thread with an asyncio loop of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Mapping
from typing import Protocol

from proxy.rules.stale_flows import Flow, stale_flows

logger = logging.getLogger(__name__)

Targets = Mapping[tuple[str, int], frozenset[tuple[str, int]]]
_TIMEOUT_SECONDS = 30.0


class FlowCleaner(Protocol):
    """What the proxier needs of connection tracking."""

    async def clean(self, targets: Targets) -> int:
        """Delete UDP flows that lead to none of a service's endpoints; returns how many. Raises OSError."""


class KernelFlowCleaner:
    """Connection tracking of this network namespace, of one address family."""

    def __init__(self, *, ipv6: bool = False) -> None:
        self._family = socket.AF_INET6 if ipv6 else socket.AF_INET

    async def clean(self, targets: Targets) -> int:
        """See `FlowCleaner`."""
        return await asyncio.to_thread(_on_own_loop, targets, self._family)


def _on_own_loop(targets: Targets, family: socket.AddressFamily) -> int:
    loop = asyncio.SelectorEventLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(_clean(targets, family), _TIMEOUT_SECONDS))
    finally:
        loop.close()


async def _clean(targets: Targets, family: socket.AddressFamily) -> int:
    from pyroute2.conntrack import AsyncConntrack, NFCTAttrTuple
    from pyroute2.netlink.exceptions import NetlinkError

    connection = AsyncConntrack(nfgen_family=family)
    try:
        flows: list[Flow] = []
        udp = NFCTAttrTuple(family, proto=socket.IPPROTO_UDP)
        async for entry in await connection.dump_entries(tuple_orig=udp):
            begun, answer = entry.tuple_orig, entry.tuple_reply
            flows.append(Flow(begun.saddr, begun.sport, begun.daddr, begun.dport, answer.saddr, answer.sport))
        stale = stale_flows(flows, targets)
        for flow in stale:
            entry = NFCTAttrTuple(
                family, saddr=flow.source, sport=flow.source_port, daddr=flow.destination, dport=flow.port,
                proto=socket.IPPROTO_UDP,
            )  # fmt: skip
            try:
                await connection.delete(entry)
            except NetlinkError as error:
                if error.code != errno.ENOENT:  # it ended by itself
                    raise OSError(error.code, str(error)) from error
        return len(stale)
    finally:
        connection.close()
