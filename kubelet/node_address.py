"""The address of this node: --node-ip, or the one of the default route, which may change while the kubelet runs."""

from __future__ import annotations

import asyncio
import ipaddress
import logging

from component.hostaddress import host_address

logger = logging.getLogger(__name__)


class AddressError(Exception):
    """The node has no address that others could reach it by; one line."""


class NodeAddress:
    """`value` is the address now; `look` again and again."""

    def __init__(self, asked: str = "") -> None:
        """`asked` is --node-ip: "" and 0.0.0.0 leave the choice; of a pair for two IP families the first counts. Raises
        AddressError for what is no address of a machine."""
        self._fixed = _checked(asked.partition(",")[0].strip())
        self.value = self._fixed

    async def look(self) -> bool:
        """Look for the default route's address, where none was asked for; whether it is another than before. While
        there is none the last one is kept. Raises AddressError where there never was one."""
        if self._fixed:
            return False
        found = await asyncio.to_thread(host_address)
        if found is None and not self.value:
            raise AddressError("no address of this machine is known: set --node-ip")
        if found is None or found == self.value:
            return False
        if self.value:
            logger.warning("The node's address changed", extra={"was": self.value, "ip": found})
        self.value = found
        return True


def _checked(text: str) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError as error:
        raise AddressError(f'bad --node-ip "{text}": it is no IP address') from error
    if address.is_multicast:
        raise AddressError(f'bad --node-ip "{text}": nodeIP can\'t be a multicast address')
    return "" if address.is_unspecified else str(address)
