"""Make the kernel's links, addresses and routes agree with a plan, by rtnetlink (pyroute2's asyncio API).

uvloop cannot carry AF_NETLINK sockets, so all of it runs on one thread with a plain asyncio loop, and callers await
across. A pod's namespace is entered by a socket only: a short-lived thread joins it, opens the socket, and ends."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from kubelet.network import udp_flows
from kubelet.network.errors import NetworkError
from kubelet.network.link_removal import LinkRemover
from kubelet.network.plan import BRIDGE, POD_INTERFACE, VETH_PREFIX, NodePlan, PodPlan, superfluous_addresses
from kubelet.network.rtnetlink import ignoring, is_kernel_error, link_index, open_socket

T = TypeVar("T")

DEFAULT_MTU = 1500
_CALL_TIMEOUT_SECONDS = 20.0


class Netlink:
    """The thread that speaks rtnetlink. Every method raises NetworkError with the kernel's word."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._remover = LinkRemover()

    def start(self) -> None:
        """Start the thread."""
        if self._loop is not None:
            return
        # The selector loop by name: the default policy may be uvloop's.
        loop = self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=loop.run_forever, name="netlink", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; calls still running are abandoned."""
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=5)
            if not loop.is_running():
                loop.close()

    async def ensure_bridge(self, plan: NodePlan, ports: Mapping[str, str]) -> None:
        """The bridge exists, is up, has the plan's address and the `ports` (link name to pod address). Its other
        addresses go, unless a pod of an earlier range still has them as its gateway."""
        await self.call("bridge", lambda: _ensure_bridge(plan, ports))

    async def ensure_pod_link(self, plan: PodPlan, namespace: Path) -> None:
        """The veth pair exists, its pod end configured inside the network namespace at `namespace`."""
        await self.call("pod link", lambda: _ensure_pod_link(plan, namespace))

    async def ensure_loopback(self, namespace: Path) -> None:
        """`lo` is up inside the network namespace."""
        await self.call("loopback", lambda: _ensure_loopback(namespace))

    async def remove_link(self, name: str) -> None:
        """The link is gone (its peer goes with it)."""
        await self.call("link", lambda: self._remover.remove(name))

    async def pod_links(self) -> list[str]:
        """The names of the bridge's veth ports."""
        return await self.call("ports", _pod_links)

    async def forget_udp_flows(self, ports: Collection[int]) -> None:
        """No UDP client of these ports of the node is remembered: its next packet meets the rules anew."""
        await self.call("UDP flows", lambda: udp_flows.forget(ports))

    async def uplink_mtu(self) -> int:
        """The MTU of the link with the default route; 1500 where there is none."""
        return await self.call("uplink", _uplink_mtu)

    async def call(self, what: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` on the netlink thread; `what` opens the text of its error."""
        if self._loop is None:
            raise NetworkError("the pod network is not started")

        async def bounded() -> T:
            async with asyncio.timeout(_CALL_TIMEOUT_SECONDS):
                return await work()

        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(bounded(), self._loop))
        except TimeoutError as error:
            raise NetworkError(f"{what}: the kernel did not answer in {_CALL_TIMEOUT_SECONDS:.0f} s") from error
        except Exception as error:
            if not is_kernel_error(error):
                raise
            raise NetworkError(f"{what}: {error}") from error


async def _ensure_bridge(plan: NodePlan, ports: Mapping[str, str]) -> None:
    async with open_socket() as ipr:
        await ignoring((errno.EEXIST,), ipr.link("add", ifname=BRIDGE, kind="bridge"))
        index = await link_index(ipr, BRIDGE)
        await ipr.link("set", index=index, address=plan.mac, mtu=plan.mtu, state="up")
        addresses = ipr.addr("dump", index=index, family=socket.AF_INET)
        present = [
            ipaddress.IPv4Interface(f"{message.get('IFA_LOCAL') or message.get('IFA_ADDRESS')}/{message['prefixlen']}")
            async for message in await addresses
            if message["index"] == index
        ]
        for address in superfluous_addresses(plan, present, ports.values()):
            gone = ipr.addr("del", index=index, address=str(address.ip), prefixlen=address.network.prefixlen)
            await ignoring((errno.EADDRNOTAVAIL,), gone)
        wanted = ipr.addr("add", index=index, address=plan.gateway, prefixlen=plan.prefix_length)
        await ignoring((errno.EEXIST,), wanted)
        links = [link async for link in await ipr.link("dump")]
        for link in links:
            if link.get("IFLA_IFNAME") in ports and link.get("IFLA_MASTER") != index:
                await _plug_in(ipr, link["index"], index, plan.hairpin)


async def _plug_in(ipr: Any, port: int | None, bridge: int | None, hairpin: bool) -> None:
    # Group 0: a crash may have left it in the group of links about to be removed.
    await ipr.link("set", index=port, master=bridge, group=0, state="up")
    await ipr.brport("set", index=port, mode=int(hairpin))


async def _ensure_pod_link(plan: PodPlan, namespace: Path) -> None:
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_ino == _own_namespace():
            raise NetworkError("the sandbox has no network namespace of its own")
        async with open_socket(namespace) as inside:
            if await link_index(inside, POD_INTERFACE) is None:
                await _make_pair(plan, descriptor)
            await _configure_inside(inside, plan)
    finally:
        os.close(descriptor)
    async with open_socket() as ipr:
        bridge = await link_index(ipr, BRIDGE)
        if bridge is None:
            raise NetworkError(f"the bridge {BRIDGE} is gone")
        port = await link_index(ipr, plan.host_link)
        await ipr.link("set", index=port, mtu=plan.mtu)
        await _plug_in(ipr, port, bridge, plan.hairpin)


def _own_namespace() -> int:
    return Path("/proc/thread-self/ns/net").stat().st_ino


async def _make_pair(plan: PodPlan, descriptor: int) -> None:
    async with open_socket() as ipr:
        stale = await link_index(ipr, plan.host_link)
        if stale is not None:  # its other end is in a namespace that is not this sandbox's any more
            await ignoring((errno.ENODEV,), ipr.link("del", index=stale))
        peer = {"ifname": POD_INTERFACE, "net_ns_fd": descriptor, "mtu": plan.mtu, "address": plan.mac}
        await ipr.link("add", ifname=plan.host_link, kind="veth", mtu=plan.mtu, peer=peer)


async def _ensure_loopback(namespace: Path) -> None:
    async with open_socket(namespace) as inside:
        await inside.link("set", index=await link_index(inside, "lo"), state="up")


async def _configure_inside(inside: Any, plan: PodPlan) -> None:
    await inside.link("set", index=await link_index(inside, "lo"), state="up")
    index = await link_index(inside, POD_INTERFACE)
    # A pod that runs already may be of a time with another MTU.
    await inside.link("set", index=index, mtu=plan.mtu)
    present = [message.get("IFA_ADDRESS") async for message in await inside.addr("dump", index=index)]
    if plan.address not in present:
        await inside.addr("add", index=index, address=plan.address, prefixlen=plan.prefix_length)
    await inside.link("set", index=index, state="up")
    route = inside.route("add", dst="0.0.0.0/0", gateway=plan.gateway, oif=index)
    # A pod of an earlier range keeps the route that it has; this gateway is not on its network.
    await ignoring((errno.EEXIST, errno.ENETUNREACH) if plan.address in present else (errno.EEXIST,), route)


async def _pod_links() -> list[str]:
    async with open_socket() as ipr:
        bridge = await link_index(ipr, BRIDGE)
        links = [(link.get("IFLA_IFNAME"), link.get("IFLA_MASTER")) async for link in await ipr.link("dump")]
    return [str(name) for name, master in links if bridge and master == bridge and str(name).startswith(VETH_PREFIX)]


async def _uplink_mtu() -> int:
    async with open_socket() as ipr:
        async for route in await ipr.route("dump", family=socket.AF_INET):
            if route["dst_len"] == 0 and route.get("RTA_OIF"):
                links = await ipr.link("get", index=route.get("RTA_OIF"))
                return int(links[0].get("IFLA_MTU") or DEFAULT_MTU)
    return DEFAULT_MTU
