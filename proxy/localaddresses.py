"""The node's own addresses, and those of them that serve node ports (--nodeport-addresses)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


async def local_addresses(*, ipv6: bool = False) -> list[str]:
    """Every address of every link of this network namespace; raises OSError."""
    return await asyncio.to_thread(_on_own_loop, ipv6)


def _on_own_loop(ipv6: bool) -> list[str]:
    loop = asyncio.SelectorEventLoop()  # uvloop carries no AF_NETLINK sockets
    try:
        return loop.run_until_complete(asyncio.wait_for(_dump(ipv6), 10))
    finally:
        loop.close()


async def _dump(ipv6: bool) -> list[str]:
    from pyroute2 import AsyncIPRoute

    family = socket.AF_INET6 if ipv6 else socket.AF_INET
    async with AsyncIPRoute() as ipr:
        found = [
            message.get("IFA_LOCAL") or message.get("IFA_ADDRESS")
            async for message in await ipr.addr("dump", family=family)
        ]
    return [str(address) for address in found]


def serving_addresses(local: Iterable[str], ranges: Iterable[IpNetwork], *, localhost: bool) -> tuple[str, ...]:
    """The local addresses in any of the ranges, sorted; loopback ones only with `localhost`."""
    wanted = tuple(ranges)
    found = {ipaddress.ip_address(address) for address in local}
    chosen = [a for a in found if any(a in cidr for cidr in wanted) and (localhost or not a.is_loopback)]
    return tuple(str(address) for address in sorted(chosen, key=int))
