"""Who may ask. Pure.

A server that answers the whole internet is used to flood others with answers to forged questions, so strangers get
none, not even a refusal."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

#: Addresses that no internet provider routes (RFC 1918, 3927, 4193, 4291, 6598): pods and nodes as a rule.
PRIVATE_NETWORKS = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
    "fc00::/7", "fe80::/10", "::1/128",
)  # fmt: skip
_REMEMBERED = 10_000


class ClientFilter:
    """Tells clients by their address; raises ValueError for a network that is none."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        self._known: dict[str, bool] = {}

    def allows(self, address: str) -> bool:
        """Whether a client of this address is answered."""
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[address] = self._look_up(address)
        return known

    def _look_up(self, address: str) -> bool:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return any(parsed in network for network in self._networks)
