"""What a plugin answered: addresses and links, in the forms of all versions. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


def pod_address(result: Mapping[str, Any]) -> str:
    """The address of the pod, IPv4 before IPv6; "" where the result has none. Addresses of links outside of the
    sandbox do not count."""
    interfaces = _list(result.get("interfaces"))
    found = []
    for ip in _list(result.get("ips")):
        index = ip.get("interface")
        inside = True
        if isinstance(index, int) and 0 <= index < len(interfaces):
            inside = bool(interfaces[index].get("sandbox"))
        if inside:
            found.append(ip.get("address"))
    found += [(result.get(key) or {}).get("ip") for key in ("ip4", "ip6")]  # 0.1.0, 0.2.0
    addresses = []
    for text in found:
        try:
            addresses.append(ipaddress.ip_interface(str(text)).ip)
        except ValueError:
            continue
    addresses.sort(key=lambda address: address.version)
    return str(addresses[0]) if addresses else ""


def host_links(result: Mapping[str, Any]) -> set[str]:
    """The links that it made on the node's side."""
    return {str(link.get("name")) for link in _list(result.get("interfaces")) if not link.get("sandbox")}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
