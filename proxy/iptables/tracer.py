"""Follow a packet through nat and filter rules, without a kernel: where may it end up, and is it masqueraded?

Knows the matches and targets that `proxy.rules` and `kubelet.network.firewall` use. Chance (`statistic`) takes both
ways, so the answer is the set of all possible ends."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from proxy.iptables.fake import Rule

Chains = Mapping[str, Sequence[Rule]]


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection. `origin`: made on the node, or come in from a link."""

    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    origin: Literal["local", "outside"] = "outside"
    link: str = ""  #: the one it came in from
    mark: int = 0
    translated: bool = False
    #: Names of `recent` lists that the source is in.
    seen: frozenset[str] = frozenset()
    out_link: str = ""  #: where it leaves the node, as far as rules ask


@dataclass(frozen=True, slots=True)
class End:
    """What became of it."""

    verdict: str  #: "ACCEPT", "DROP", "REJECT"
    destination: str = ""  #: "ip:port" where accepted
    masqueraded: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    packet: Packet
    verdict: str = ""  #: "" while the chain goes on


def trace(tables: Mapping[str, Chains], packet: Packet, local_addresses: Collection[str]) -> set[End]:
    """Every possible end of the packet on a node that has `local_addresses`."""
    return set(_Tracer(tables, frozenset(local_addresses)).ends(packet))


class _Tracer:
    def __init__(self, tables: Mapping[str, Chains], local: frozenset[str]) -> None:
        self.nat, self.filter, self.local = tables["nat"], tables["filter"], local

    def ends(self, packet: Packet) -> Iterator[End]:
        for routed in self._walk(self.nat, "PREROUTING" if packet.origin == "outside" else "OUTPUT", packet):
            arrived = routed.packet
            if packet.origin == "local":
                hook = "OUTPUT"
            else:
                hook = "INPUT" if self._is_local(arrived.destination) else "FORWARD"
            for filtered in self._walk(self.filter, hook, arrived):
                if filtered.verdict in ("DROP", "REJECT"):
                    yield End(filtered.verdict)
                    continue
                for left in self._walk(self.nat, "POSTROUTING", filtered.packet):
                    target = f"{arrived.destination}:{arrived.port}"
                    yield End("ACCEPT", target, left.verdict == "MASQUERADE")

    def _walk(self, table: Chains, chain: str, packet: Packet) -> Iterator[_Step]:
        return self._rules(table, table.get(chain, ()), packet)

    def _rules(self, table: Chains, rules: Sequence[Rule], packet: Packet) -> Iterator[_Step]:
        for number, rule in enumerate(rules):
            fits = self._fits(rule, packet)
            if fits == "no":
                continue
            for step in self._target(table, rule, packet):
                if step.verdict:
                    yield replace(step, verdict="" if step.verdict == "RETURN" else step.verdict)
                else:
                    yield from self._rules(table, rules[number + 1 :], step.packet)
            if fits == "perhaps":
                yield from self._rules(table, rules[number + 1 :], packet)
            return
        yield _Step(packet)

    def _target(self, table: Chains, rule: Rule, packet: Packet) -> Iterator[_Step]:
        words = iter(rule)
        target = next((next(words) for word in words if word == "-j"), "")
        rest = list(words)
        if target in ("ACCEPT", "DROP", "REJECT", "RETURN", "MASQUERADE"):
            yield _Step(packet, target)
        elif target == "DNAT":
            address, _, port = rest[1].rpartition(":")
            yield _Step(replace(packet, destination=address, port=int(port), translated=True), "DNAT")
        elif target == "MARK":
            yield _Step(replace(packet, mark=_marked(packet.mark, rest)))
        elif target:
            yield from self._walk(table, target, packet)
        else:
            yield _Step(packet)

    def _fits(self, rule: Rule, packet: Packet) -> Literal["yes", "no", "perhaps"]:
        answer: Literal["yes", "perhaps"] = "yes"
        words, negated, recent = iter(rule), False, ""
        for word in words:
            if word == "!":
                negated = True
                continue
            if word == "-j":
                break
            if word in ("-m", "--comment", "--seconds", "--mode", "--name"):
                value = next(words)
                if word == "--name":
                    recent = value
                continue
            if word in ("--reap", "--set"):
                continue
            if word == "--rcheck":
                if recent not in packet.seen:
                    return "no"
                continue
            value = next(words)
            if word == "--probability":
                answer = "perhaps"
            elif self._holds(word, value, packet) == negated:
                return "no"
            negated = False
        return answer

    def _holds(self, word: str, value: str, packet: Packet) -> bool:
        match word:
            case "-p":
                return value == packet.protocol
            case "-s":
                return _inside(packet.source, value)
            case "-d":
                return _inside(packet.destination, value)
            case "--dport":
                return int(value) == packet.port
            case "-i":
                return packet.link.startswith(value[:-1]) if value.endswith("+") else packet.link == value
            case "-o":
                return value == packet.out_link
            case "--dst-type":
                return self._is_local(packet.destination)
            case "--src-type":
                return packet.origin == "local" or self._is_local(packet.source)
            case "--ctstate":
                states = {"NEW", "DNAT"} if packet.translated else {"NEW"}
                return bool(states & set(value.split(",")))
            case "--mark":
                wanted, _, mask = value.partition("/")
                return packet.mark & int(mask or "0xffffffff", 16) == int(wanted, 16)
        raise ValueError(f"the tracer does not know {word} {value}")

    def _is_local(self, address: str) -> bool:
        return address in self.local or ipaddress.ip_address(address).is_loopback


def _inside(address: str, cidr: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(cidr)


def _marked(mark: int, words: Sequence[str]) -> int:
    operation, value = words[0], words[1].partition("/")
    bits = int(value[0], 16)
    match operation:
        case "--or-mark":
            return mark | bits
        case "--xor-mark":
            return mark ^ bits
        case "--set-xmark":
            return (mark & ~int(value[2] or "0xffffffff", 16)) ^ bits
    raise ValueError(f"the tracer does not know {operation}")
