"""Which servers to ask, in which order. Pure: time and randomness are passed in."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Policy = Literal["random", "round_robin", "sequential"]
DNS_PORT = 53
_MAX_NAMESERVERS = 15
_PENALTY_SECONDS = 10.0
_FAILURES_TO_PENALTY = 2


@dataclass(frozen=True, slots=True, order=True)
class Upstream:
    """A server that is asked for what the cluster does not know."""

    address: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def parse_upstream(text: str) -> Upstream:
    """ "10.0.0.2", "10.0.0.2:5353", "2001:db8::1" or "[2001:db8::1]:5353"; raises ValueError."""
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        raise ValueError(f'"{text}" is not an IP address, with or without a port') from None
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f'"{text}": "{port}" is not a port')
    return Upstream(address, int(port) if port else DNS_PORT)


def nameservers(resolv_conf: str) -> tuple[Upstream, ...]:
    """The servers of a resolv.conf(5); lines that name no address are passed over."""
    found = []
    for line in resolv_conf.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":
            continue
        try:
            found.append(Upstream(str(ipaddress.ip_address(words[1]))))
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))[:_MAX_NAMESERVERS]


def without_ourselves(
    upstreams: Sequence[Upstream], own_addresses: Collection[str], own_port: int, cluster_addresses: Collection[str]
) -> tuple[Upstream, ...]:
    """Those that do not lead back here: by our own address and port, or by the Service's (port 53) of the cluster."""
    return tuple(
        upstream
        for upstream in upstreams
        if not (upstream.address in own_addresses and upstream.port == own_port)
        and not (upstream.address in cluster_addresses and upstream.port == DNS_PORT)
    )


class UpstreamHealth:
    """Who answered of late. A server that failed twice in a row is asked after the others for a while."""

    def __init__(self, policy: Policy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._failures: dict[Upstream, int] = {}
        self._penalty_until: dict[Upstream, float] = {}
        self._turn = 0

    def order(self, upstreams: Sequence[Upstream], now: float) -> list[Upstream]:
        """All of them, the one to ask first at the front."""
        ordered = list(upstreams)
        if self._policy == "random":
            self._random.shuffle(ordered)
        elif self._policy == "round_robin" and ordered:
            self._turn = (self._turn + 1) % len(ordered)
            ordered = ordered[self._turn :] + ordered[: self._turn]
        return sorted(ordered, key=lambda upstream: self._penalty_until.get(upstream, now) > now)

    def answered(self, upstream: Upstream) -> None:
        """It is well."""
        self._failures.pop(upstream, None)
        self._penalty_until.pop(upstream, None)

    def failed(self, upstream: Upstream, now: float) -> None:
        """It did not answer, or nonsense."""
        self._failures[upstream] = self._failures.get(upstream, 0) + 1
        if self._failures[upstream] >= _FAILURES_TO_PENALTY:
            self._penalty_until[upstream] = now + _PENALTY_SECONDS

    def keep_only(self, upstreams: Collection[Upstream]) -> None:
        """Forget those that are configured no more."""
        for known in (self._failures, self._penalty_until):
            for upstream in [upstream for upstream in known if upstream not in upstreams]:
                del known[upstream]
