"""Read what the kernel has of the way to other nodes, and carry changes out. Used on the netlink thread.

Functions raise OSError or pyroute2's NetlinkError."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any

from kubelet.network.backend.plan import (
    DEVICE,
    ROUTE_PROTOCOL,
    AdjustDevice,
    Change,
    CreateDevice,
    Delete,
    Entry,
    Forwarding,
    LinkAddress,
    Neighbour,
    Put,
    RemoveDevice,
    Route,
    State,
    Vtep,
)
from kubelet.network.plan import BRIDGE
from kubelet.network.rtnetlink import error_code, ignoring, is_kernel_error, link_index, open_socket

_UP = 0x1  #: IFF_UP of if.h
_PERMANENT = 0x80  #: NUD_PERMANENT of neighbour.h
_MAIN_TABLE = 254
_RTNH_F_ONLINK = 0x4
#: What refuses a device, in words that help.
_REASONS = {
    errno.EOPNOTSUPP: "the kernel has no VXLAN (modprobe vxlan)",
    errno.EEXIST: "another device has VNI {0.vni} and UDP port {0.port}",
}
_GONE = (errno.ENODEV, errno.ENOENT, errno.ESRCH)


async def link_addresses() -> list[LinkAddress]:
    """The IPv4 addresses of this node's links, the pod network's own left out."""
    async with open_socket() as ipr:
        links = {link["index"]: link async for link in await ipr.link("dump")}
        found = []
        async for message in await ipr.addr("dump", family=socket.AF_INET):
            link = links.get(message["index"])
            if link is None or link.get("IFLA_IFNAME") in (BRIDGE, DEVICE):
                continue
            interface = _interface(message)
            found.append(LinkAddress(str(link.get("IFLA_IFNAME")), int(link.get("IFLA_MTU")), interface))
    return found


async def observe() -> State:
    """What is there of ours: the device by its name, routes by their protocol number."""
    async with open_socket() as ipr:
        names = {link["index"]: str(link.get("IFLA_IFNAME")) async for link in await ipr.link("dump")}
        routes = await _routes(ipr, names)
        index = next((index for index, name in names.items() if name == DEVICE), None)
        if index is None:
            return State(routes=routes)
        return State(
            device=await _device(ipr, index),
            routes=routes,
            neighbours=frozenset(
                [
                    Neighbour(str(message.get("NDA_DST")), str(message.get("NDA_LLADDR")))
                    async for message in await ipr.neigh("dump", family=socket.AF_INET, ifindex=index)
                    if message["ifindex"] == index and message["state"] & _PERMANENT
                ]
            ),
            forwarding=frozenset(
                [
                    Forwarding(str(message.get("NDA_LLADDR")), str(message.get("NDA_DST")))
                    async for message in await ipr.fdb("dump", ifindex=index)
                    if message["ifindex"] == index and message.get("NDA_DST")
                ]
            ),
        )


async def _routes(ipr: Any, names: Mapping[int, str]) -> frozenset[Route]:
    found = set()
    async for message in await ipr.route("dump", family=socket.AF_INET):
        if message["proto"] != ROUTE_PROTOCOL or (message.get("RTA_TABLE") or message["table"]) != _MAIN_TABLE:
            continue
        destination = f"{message.get('RTA_DST') or '0.0.0.0'}/{message['dst_len']}"
        link = names.get(message.get("RTA_OIF") or 0, "")
        onlink = bool(message["flags"] & _RTNH_F_ONLINK)
        found.add(Route(destination, str(message.get("RTA_GATEWAY") or ""), link, onlink))
    return frozenset(found)


async def _device(ipr: Any, index: int) -> Vtep:
    link = (await ipr.link("get", index=index))[0]
    data = link.get(("IFLA_LINKINFO", "IFLA_INFO_DATA"))
    is_vxlan = link.get(("IFLA_LINKINFO", "IFLA_INFO_KIND")) == "vxlan" and data is not None
    addresses = [
        str(_interface(message).ip)
        async for message in await ipr.addr("dump", index=index, family=socket.AF_INET)
        if message["index"] == index
    ]
    return Vtep(
        local=str(data.get("IFLA_VXLAN_LOCAL") or "") if is_vxlan else "",
        address=addresses[0] if len(addresses) == 1 else "",
        mac=str(link.get("IFLA_ADDRESS")),
        mtu=int(link.get("IFLA_MTU")),
        vni=int(data.get("IFLA_VXLAN_ID")) if is_vxlan else 0,
        port=int(data.get("IFLA_VXLAN_PORT")) if is_vxlan else 0,
        learning=bool(data.get("IFLA_VXLAN_LEARNING")) if is_vxlan else True,
        up=bool(link["flags"] & _UP),
    )


def _interface(message: Any) -> ipaddress.IPv4Interface:
    address = message.get("IFA_LOCAL") or message.get("IFA_ADDRESS")
    return ipaddress.IPv4Interface(f"{address}/{message['prefixlen']}")


async def apply(changes: Iterable[Change]) -> list[tuple[Entry, str]]:
    """Carry the changes out, in their order. What fails of the device raises; entries that the kernel refuses do not
    keep the others from being made: they are returned, with the kernel's words."""
    refused: list[tuple[Entry, str]] = []
    async with open_socket() as ipr:
        links = _Links(ipr)
        for change in changes:
            match change:
                case CreateDevice(device):
                    await _create(ipr, device)
                    links = _Links(ipr)
                case AdjustDevice(mtu):
                    await ipr.link("set", index=await links.index(DEVICE), mtu=mtu, state="up")
                case RemoveDevice():
                    await _remove(ipr)
                case Put(entry) | Delete(entry):
                    try:
                        await (_put if isinstance(change, Put) else _delete)(ipr, links, entry)
                    except Exception as error:
                        if not is_kernel_error(error):
                            raise
                        refused.append((entry, str(error)))
    return refused


class _Links:
    """Indexes by name, each asked for once."""

    def __init__(self, ipr: Any) -> None:
        self._ipr = ipr
        self._known: dict[str, int] = {}

    async def index(self, name: str) -> int:
        """The link's index; raises OSError where it is gone."""
        if name not in self._known:
            found = await link_index(self._ipr, name)
            if found is None:
                raise OSError(errno.ENODEV, f"link {name} is gone")
            self._known[name] = found
        return self._known[name]


async def _create(ipr: Any, device: Vtep) -> None:
    await _remove(ipr)
    try:
        await ipr.link(
            "add", ifname=DEVICE, kind="vxlan", vxlan_id=device.vni, vxlan_port=device.port, vxlan_local=device.local,
            vxlan_learning=int(device.learning), address=device.mac, mtu=device.mtu,
        )  # fmt: skip
    except Exception as error:
        code = error_code(error) if is_kernel_error(error) else 0
        if code not in _REASONS:
            raise
        raise OSError(code, _REASONS[code].format(device)) from error
    index = await link_index(ipr, DEVICE)
    await ipr.addr("add", index=index, address=device.address, prefixlen=32)
    await ipr.link("set", index=index, state="up")


async def _remove(ipr: Any) -> None:
    index = await link_index(ipr, DEVICE)
    if index is not None:
        await ignoring(_GONE, ipr.link("del", index=index))


async def _put(ipr: Any, links: _Links, entry: Entry) -> None:
    match entry:
        case Route(destination, gateway, link, onlink):
            flags = ["onlink"] if onlink else []
            index = await links.index(link)
            await ipr.route(
                "replace", dst=destination, gateway=gateway, oif=index, flags=flags, proto=ROUTE_PROTOCOL
            )  # fmt: skip
        case Neighbour(address, mac):
            index = await links.index(DEVICE)
            await ipr.neigh("replace", ifindex=index, dst=address, lladdr=mac, state="permanent")
        case Forwarding(mac, address):
            index = await links.index(DEVICE)
            await ignoring((errno.EEXIST,), ipr.fdb("add", ifindex=index, lladdr=mac, dst=address))


async def _delete(ipr: Any, links: _Links, entry: Entry) -> None:
    match entry:
        case Route(destination, gateway, _, _):
            call = ipr.route("del", dst=destination, gateway=gateway, proto=ROUTE_PROTOCOL)
        case Neighbour(address, mac):
            call = ipr.neigh("del", ifindex=await links.index(DEVICE), dst=address, lladdr=mac)
        case Forwarding(mac, address):
            call = ipr.fdb("del", ifindex=await links.index(DEVICE), lladdr=mac, dst=address)
    await ignoring(_GONE, call)
