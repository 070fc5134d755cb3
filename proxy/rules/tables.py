"""The nat and filter tables: shared chains, the services' shares, and the text that leads from what is there to what is
wanted. Pure.

A full text names every chain; an incremental one only those that differ from what was last loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.rules import names
from proxy.rules.model import NodeSettings
from proxy.rules.service_chains import ServiceRules

#: Chain name to its rules, one per line.
Chains = dict[str, str]


@dataclass(slots=True)
class Tables:
    """Every chain of ours in both tables."""

    nat: Chains = field(default_factory=dict)
    filter: Chains = field(default_factory=dict)


def assemble(services: Iterable[ServiceRules], node: NodeSettings) -> Tables:
    """The tables with every service's share, in the order given."""
    nat: Chains = {}
    nat_services, nat_node_ports = [], []
    filter_services, filter_external, filter_firewall, filter_node_ports = [], [], [], []
    for rules in services:
        nat.update(rules.chains)
        nat_services += rules.nat_services
        nat_node_ports += rules.nat_node_ports
        filter_services += rules.filter_services
        filter_external += rules.filter_external
        filter_firewall += rules.filter_firewall
        filter_node_ports += rules.filter_node_ports
    nat_services += _node_port_jumps(node)
    nat |= {
        names.SERVICES: _lines(nat_services),
        names.NODE_PORTS: _lines(nat_node_ports),
        names.POSTROUTING: _postrouting(node),
        names.MARK_MASQ: f"-A {names.MARK_MASQ} -j MARK --or-mark {node.masquerade_mark}\n",
    }
    return Tables(
        nat,
        {
            names.SERVICES: _lines(filter_services),
            names.EXTERNAL_SERVICES: _lines(filter_external),
            names.NODE_PORTS: _lines(filter_node_ports),
            names.FORWARD: _forward(node),
            names.PROXY_FIREWALL: _lines(filter_firewall),
            names.LOCALNET_FIREWALL: _localnet_firewall(node),
        },
    )


def full_text(wanted: Tables, present: Tables) -> str:
    """The iptables-restore text that makes everything anew; of `present` (what iptables-save shows) only the names
    count: service chains that are not wanted any more are removed."""
    return _table("filter", wanted.filter, {}, ()) + _table("nat", wanted.nat, {}, _stale(wanted.nat, present.nat))


def incremental_text(wanted: Tables, loaded: Tables) -> str:
    """The text for what differs from `loaded`; "" where nothing does."""
    text = ""
    for table, chains, before in (("filter", wanted.filter, loaded.filter), ("nat", wanted.nat, loaded.nat)):
        text += _table(table, chains, before, _stale(chains, before))
    return text


def _stale(wanted: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    if len(wanted) == len(present) and wanted.keys() == present.keys():
        return []
    return [chain for chain in present if chain not in wanted and chain.startswith(names.PREFIXES)]


def _table(table: str, wanted: Mapping[str, str], loaded: Mapping[str, str], stale: Iterable[str]) -> str:
    changed = [chain for chain, rules in wanted.items() if loaded.get(chain) != rules]
    # Sorted: iptables-nft keeps its chains in a sorted list, and takes nearly three times as long otherwise.
    declared = sorted([*changed, *stale])
    if not declared:
        return ""
    parts = [f"*{table}\n"]
    parts += [f":{chain} - [0:0]\n" for chain in declared]
    parts += [wanted[chain] for chain in changed]
    parts += [f"-X {chain}\n" for chain in stale]
    parts.append("COMMIT\n")
    return "".join(parts)


def _node_port_jumps(node: NodeSettings) -> list[str]:
    """Last in KUBE-SERVICES: a cluster IP is never taken for a node port."""
    comment = '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    jump = f"-j {names.NODE_PORTS}"
    if node.node_port_addresses is not None:
        return [
            f"-A {names.SERVICES} {comment} -d {address}{node.host_mask} {jump}" for address in node.node_port_addresses
        ]
    # A packet from ::1 never leaves the loopback link, and one from 127.0.0.1 does with route_localnet only.
    spare = " ! -d ::1/128" if node.ipv6 else "" if node.localhost_node_ports else " ! -d 127.0.0.0/8"
    return [f"-A {names.SERVICES} {comment} -m addrtype --dst-type LOCAL{spare} {jump}"]


def _postrouting(node: NodeSettings) -> str:
    mark, chain = node.masquerade_mark, names.POSTROUTING
    return (
        f"-A {chain} -m mark ! --mark {mark}/{mark} -j RETURN\n"
        # The mark goes, so that a packet which passes twice (through a tunnel) is masqueraded once.
        f"-A {chain} -j MARK --xor-mark {mark}\n"
        f'-A {chain} -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully\n'
    )


def _forward(node: NodeSettings) -> str:
    mark, chain = node.masquerade_mark, names.FORWARD
    return (
        f"-A {chain} -m conntrack --ctstate INVALID -j DROP\n"
        f'-A {chain} -m comment --comment "kubernetes forwarding rules" -m mark --mark {mark}/{mark} -j ACCEPT\n'
        f'-A {chain} -m comment --comment "kubernetes forwarding conntrack rule" '
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    )


def _localnet_firewall(node: NodeSettings) -> str:
    """With route_localnet, neighbours could otherwise reach what listens on 127.0.0.1 only."""
    if not node.localhost_node_ports or node.ipv6:
        return ""
    return (
        f'-A {names.LOCALNET_FIREWALL} -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 '
        "! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP\n"
    )


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
