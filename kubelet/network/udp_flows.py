"""Forget UDP flows to host ports whose pod changed: a client that goes on sending would keep the old translation alive.

Used on the netlink thread."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection

from kubelet.network.rtnetlink import ignoring


async def forget(ports: Collection[int]) -> int:
    """Delete the connection tracking entries of UDP packets to these ports; returns how many. Raises OSError or
    pyroute2's NetlinkError."""
    from pyroute2.conntrack import AsyncConntrack, NFCTAttrTuple

    connection = AsyncConntrack()
    try:
        entries = [
            entry.tuple_orig
            async for entry in await connection.dump_entries(tuple_orig=NFCTAttrTuple(proto=socket.IPPROTO_UDP))
            if entry.tuple_orig.dport in ports
        ]
        for entry in entries:
            await ignoring((errno.ENOENT,), connection.delete(entry))
        return len(entries)
    finally:
        connection.close()
