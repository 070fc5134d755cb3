"""Which free cluster IP or node port to take: the ranges, their static and dynamic bands, and the choice.

Pure; randomness is passed in. The lower band of a range is left to values people ask for by name (KEP-3070 for
addresses, KEP-3668 for ports): the dynamic choice falls back on it only when the rest is taken. `service.py` applies
it to a Service."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container
from dataclasses import dataclass
from random import Random

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_RANDOM_TRIES = 32
_MAX_IPV6_ADDRESSES = 1 << 16  #: as many of a larger range are used


class Full(Exception):
    """No value is left in the range."""


class Refused(Exception):
    """The value asked for cannot be had; the text is the reference's."""


@dataclass(frozen=True, slots=True)
class AddressRange:
    """One --service-cluster-ip-range: which addresses may be given out, and how."""

    network: Network

    @property
    def family(self) -> str:
        """ "IPv4" or "IPv6", as in spec.ipFamilies."""
        return f"IPv{self.network.version}"

    @property
    def size(self) -> int:
        """How many addresses may be given out: not the network's own, nor (IPv4) its broadcast address."""
        if self.network.version == 4:
            return max(0, self.network.num_addresses - 2)
        return min(_MAX_IPV6_ADDRESSES, self.network.num_addresses) - 1

    def check(self, text: str, used: Container[str]) -> str:
        """The canonical form of an address somebody asked for; raises `Refused`."""
        address = ipaddress.ip_address(text)
        base = int(self.network.network_address)
        if address.version != self.network.version or not 0 < int(address) - base <= self.size:
            raise Refused(
                f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {self.network}"
            )
        if str(address) in used:
            raise Refused("provided IP is already allocated")
        return str(address)

    def choose(self, used: Container[str], rng: Random) -> str:
        """A free address; raises `Full`."""
        base = int(self.network.network_address)
        make = ipaddress.IPv4Address if self.network.version == 4 else ipaddress.IPv6Address
        offset = band_offset(self.size, step=16, largest=256)
        return _choose(self.size, offset, lambda number: str(make(base + 1 + number)), used, rng)


@dataclass(frozen=True, slots=True)
class PortRange:
    """--service-node-port-range; both ends belong to it."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many ports there are."""
        return self.last - self.first + 1

    def check(self, port: int, used: Container[str]) -> None:
        """Whether a port somebody asked for can be had; raises `Refused`."""
        if not self.first <= port <= self.last:
            raise Refused(
                f"provided port is not in the valid range. The range of valid ports is {self.first}-{self.last}"
            )
        if str(port) in used:
            raise Refused("provided port is already allocated")

    def choose(self, used: Container[str], rng: Random) -> int:
        """A free port; raises `Full`."""
        offset = band_offset(self.size, step=32, largest=128)
        return int(_choose(self.size, offset, lambda number: str(self.first + number), used, rng))


def band_offset(size: int, *, step: int, largest: int) -> int:
    """How many values at the range's beginning are left to static use: size/step, 16 at least, `largest` at most."""
    return 0 if size <= 16 else min(max(16, size // step), largest)


def _choose(size: int, offset: int, value: Callable[[int], str], used: Container[str], rng: Random) -> str:
    """A random free value of numbers offset..size-1, else of 0..offset-1."""
    for low, high in ((offset, size), (0, offset)):
        if high <= low:
            continue
        for _ in range(_RANDOM_TRIES):
            found = value(rng.randrange(low, high))
            if found not in used:
                return found
        start = rng.randrange(low, high)
        for number in (*range(start, high), *range(low, start)):
            found = value(number)
            if found not in used:
                return found
    raise Full("range is full")
