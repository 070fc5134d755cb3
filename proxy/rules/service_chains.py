"""The chains and rules of one service port. Pure; the layout is that of pkg/proxy/iptables/proxier.go in v1.28.

What a service adds to the shared chains is kept apart from chains of its own, so that a change of one service costs
that service's text only. `tables.py` puts all together."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from proxy.rules import names
from proxy.rules.endpoints import Choice, choose
from proxy.rules.model import Endpoint, NodeSettings, ServicePort


@dataclass(slots=True)
class ServiceRules:
    """One service port's share. Chains of its own by name; rules for shared chains as whole lines."""

    chains: dict[str, str] = field(default_factory=dict)  #: nat
    nat_services: list[str] = field(default_factory=list)
    nat_node_ports: list[str] = field(default_factory=list)
    filter_services: list[str] = field(default_factory=list)
    filter_external: list[str] = field(default_factory=list)
    filter_firewall: list[str] = field(default_factory=list)
    filter_node_ports: list[str] = field(default_factory=list)
    #: The policies ("internal", "external") that keep traffic on this node, where there are endpoints on others only.
    without_local_endpoints: tuple[str, ...] = ()


def build(port: ServicePort, endpoints: Sequence[Endpoint], node: NodeSettings) -> ServiceRules:
    """Everything that one service port needs."""
    return _Builder(port, choose(port, endpoints, node.zone), node).build()


class _Builder:
    def __init__(self, port: ServicePort, choice: Choice, node: NodeSettings) -> None:
        self.port, self.choice, self.node = port, choice, node
        self.rules = ServiceRules()
        self.name = port.full_name
        self.mask = node.host_mask
        self.cluster_chain = self._chain(names.CLUSTER_POLICY)
        self.local_chain = self._chain(names.LOCAL_POLICY)
        self.external_chain = self._chain(names.EXTERNAL)
        self.internal_target = self.local_chain if port.internal_local else self.cluster_chain
        self.external_target = self.local_chain if port.external_local else self.cluster_chain
        self.match = f"-m {port.protocol} -p {port.protocol}"

    def build(self) -> ServiceRules:
        port, choice = self.port, self.choice
        internal = choice.local if port.internal_local else choice.cluster
        external = choice.local if port.external_local else choice.cluster
        self._cluster_ip(bool(internal))
        if port.externally_accessible:
            self._external(bool(external))
        if port.health_check_node_port and port.load_balancer_ips:
            self.rules.filter_node_ports.append(
                f"-A {names.NODE_PORTS} {self._comment('health check node port')} -m tcp -p tcp "
                f"--dport {port.health_check_node_port} -j ACCEPT"
            )
        if choice.any_at_all:
            self._policy_chains()
            if not choice.local:
                policies = {"internal": port.internal_local, "external": port.external_local}
                self.rules.without_local_endpoints = tuple(policy for policy, local in policies.items() if local)
        return self.rules

    def _chain(self, prefix: str) -> str:
        return names.service_chain(prefix, self.name, self.port.protocol)

    def _comment(self, text: str) -> str:
        return f'-m comment --comment "{self.name} {text}"'

    def _to(self, address: str) -> str:
        return f"{self.match} -d {address}{self.mask} --dport {self.port.port}"

    def _refusal(self) -> tuple[str, str]:
        """What becomes of traffic with nowhere to go: refused where no node could serve it, dropped (the client may
        try another node) where only this one can't."""
        if self.choice.any_at_all:
            return "has no local endpoints", "DROP"
        return "has no endpoints", "REJECT"

    def _cluster_ip(self, has_endpoints: bool) -> None:
        match = self._to(self.port.cluster_ip)
        if has_endpoints:
            self.rules.nat_services.append(
                f"-A {names.SERVICES} {self._comment('cluster IP')} {match} -j {self.internal_target}"
            )
            return
        text, target = self._refusal()
        self.rules.filter_services.append(f"-A {names.SERVICES} {self._comment(text)} {match} -j {target}")

    def _external(self, has_endpoints: bool) -> None:
        port, rules, choice = self.port, self.rules, self.choice
        text, refusal = self._refusal()
        firewalled = bool(port.source_ranges and port.load_balancer_ips and choice.any_at_all)
        firewall_chain = self._chain(names.FIREWALL)
        addresses = [(ip, "external IP", self.external_chain) for ip in port.external_ips]
        balanced = firewall_chain if firewalled else self.external_chain
        addresses += [(ip, "loadbalancer IP", balanced) for ip in port.load_balancer_ips]
        for ip, kind, chain in addresses:
            match = self._to(ip)
            if choice.any_at_all:
                rules.nat_services.append(f"-A {names.SERVICES} {self._comment(kind)} {match} -j {chain}")
            if not has_endpoints:
                rules.filter_external.append(f"-A {names.EXTERNAL_SERVICES} {self._comment(text)} {match} -j {refusal}")
        if port.node_port:
            match = f"{self.match} --dport {port.node_port}"
            if choice.any_at_all:
                rules.nat_node_ports.append(
                    f"-A {names.NODE_PORTS} -m comment --comment {self.name} {match} -j {self.external_chain}"
                )
            if not has_endpoints:
                rules.filter_external.append(
                    f"-A {names.EXTERNAL_SERVICES} {self._comment(text)} "
                    f"-m addrtype --dst-type LOCAL {match} -j {refusal}"
                )
        if choice.any_at_all:
            self._external_chain()
        if firewalled:
            self._firewall_chain(firewall_chain)

    def _external_chain(self) -> None:
        """Marks what comes from outside for masquerade, where the endpoint may be on another node."""
        chain, lines = self.external_chain, []
        if not self.port.external_local:
            comment = f'-m comment --comment "masquerade traffic for {self.name} external destinations"'
            lines.append(f"-A {chain} {comment} -j {names.MARK_MASQ}")
        else:
            # What starts inside the cluster may use any endpoint: "local" keeps the address of clients outside.
            if self.node.from_pod:
                comment = f'-m comment --comment "pod traffic for {self.name} external destinations"'
                lines.append(f"-A {chain} {comment} {self.node.from_pod} -j {self.cluster_chain}")
            for verb, target in (("masquerade", names.MARK_MASQ), ("route", self.cluster_chain)):
                comment = f'-m comment --comment "{verb} LOCAL traffic for {self.name} external destinations"'
                lines.append(f"-A {chain} {comment} -m addrtype --src-type LOCAL -j {target}")
        if not self.port.external_local or self.choice.local:
            lines.append(f"-A {chain} -j {self.external_target}")
        self.rules.chains[chain] = _text(lines)

    def _firewall_chain(self, chain: str) -> None:
        port, lines, from_node = self.port, [], False
        comment = self._comment("loadbalancer IP")
        for cidr in port.source_ranges:
            lines.append(f"-A {chain} {comment} -s {cidr} -j {self.external_chain}")
            network = ipaddress.ip_network(cidr)
            from_node |= any(ipaddress.ip_address(ip) in network for ip in self.node.node_ips)
        if from_node:  # to its own load balancer's address a node speaks from that very address
            lines += [
                f"-A {chain} {comment} -s {ip}{self.mask} -j {self.external_chain}" for ip in port.load_balancer_ips
            ]
        lines.append(
            f'-A {chain} -m comment --comment "other traffic to {self.name} will be dropped by {names.PROXY_FIREWALL}"'
        )
        self.rules.chains[chain] = _text(lines)
        for ip in port.load_balancer_ips:
            self.rules.filter_firewall.append(
                f"-A {names.PROXY_FIREWALL} {self._comment('traffic not accepted by ' + chain)} {self._to(ip)} -j DROP"
            )

    def _policy_chains(self) -> None:
        choice = self.choice
        if choice.cluster:
            self._policy_chain(self.cluster_chain, choice.cluster)
        if choice.local:
            self._policy_chain(self.local_chain, choice.local)
        for endpoint in choice.reachable:
            self._endpoint_chain(endpoint)

    def _endpoint_comment(self, endpoint: Endpoint) -> str:
        return f"{self._comment('-> ' + endpoint.target)} " if self.node.endpoint_comments else ""

    def _policy_chain(self, chain: str, endpoints: Sequence[Endpoint]) -> None:
        """Spread over the endpoints, each as likely as the others; a client that was here goes where it went."""
        port, lines = self.port, []
        if chain == self.internal_target:
            match = f"{self._comment('cluster IP')} {self._to(port.cluster_ip)}"
            if self.node.masquerade_all:
                lines.append(f"-A {chain} {match} -j {names.MARK_MASQ}")
            elif self.node.from_pod:
                lines.append(f"-A {chain} {match} ! {self.node.from_pod} -j {names.MARK_MASQ}")
        targets = [
            (endpoint, names.endpoint_chain(self.name, port.protocol, endpoint.target)) for endpoint in endpoints
        ]
        if port.affinity_seconds:
            for endpoint, target in targets:
                lines.append(
                    f"-A {chain} {self._endpoint_comment(endpoint)}-m recent --name {target} --rcheck "
                    f"--seconds {port.affinity_seconds} --reap -j {target}"
                )
        left = len(targets)
        for endpoint, target in targets:
            chance = f"-m statistic --mode random --probability {1 / left:.10f} " if left > 1 else ""
            lines.append(f"-A {chain} {self._endpoint_comment(endpoint)}{chance}-j {target}")
            left -= 1
        self.rules.chains[chain] = _text(lines)

    def _endpoint_chain(self, endpoint: Endpoint) -> None:
        chain = names.endpoint_chain(self.name, self.port.protocol, endpoint.target)
        comment = f" -m comment --comment {self.name}" if self.node.endpoint_comments else ""
        recent = f" -m recent --name {chain} --set" if self.port.affinity_seconds else ""
        # A pod that reaches itself must see another address than its own as the client.
        self.rules.chains[chain] = (
            f"-A {chain}{comment} -s {endpoint.ip}{self.mask} -j {names.MARK_MASQ}\n"
            f"-A {chain}{comment}{recent} {self.match} -j DNAT --to-destination {endpoint.target}\n"
        )


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
