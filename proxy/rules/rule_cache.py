"""Every service's rules, made anew only for services that changed. Pure state, no I/O.

`proxier.py` feeds it and loads what it gives."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.rules.endpoints import PortEndpoints, choose
from proxy.rules.model import Endpoint, NodeSettings, ServicePort
from proxy.rules.service_chains import ServiceRules, build
from proxy.rules.stale_flows import FlowTargets
from proxy.rules.tables import Tables, assemble


@dataclass(frozen=True, slots=True)
class _Entry:
    port: ServicePort
    endpoints: tuple[Endpoint, ...]
    rules: ServiceRules


#: With more endpoints than this, their rules go without comments: a third of the text. They come back with fewer than
#: the second number, so that a Service that scales around the first does not rewrite all rules each time.
_MANY_ENDPOINTS, _FEW_ENDPOINTS = 1000, 900


class RuleCache:
    """Services by "namespace/name", each with its ports."""

    def __init__(self, node: NodeSettings) -> None:
        self.node = node
        self._services: dict[str, list[_Entry]] = {}
        self._endpoints = 0

    def update(self, key: str, ports: list[ServicePort], endpoints: PortEndpoints) -> bool:
        """Take in what a service and its endpoints are now (no ports: it is gone); returns whether rules may differ."""
        before = {entry.port: entry for entry in self._services.get(key, ())}
        entries = []
        for port in ports:
            found = endpoints.get((port.port_name, port.protocol), ())
            known = before.get(port)
            if known is not None and known.endpoints == found:
                entries.append(known)
            else:
                entries.append(_Entry(port, found, build(port, found, self.node)))
        changed = entries != list(before.values())
        self._endpoints += sum(len(entry.endpoints) for entry in entries)
        self._endpoints -= sum(len(entry.endpoints) for entry in before.values())
        if entries:
            self._services[key] = entries
        else:
            self._services.pop(key, None)
        return self.use_node(self.node) or changed

    def use_node(self, node: NodeSettings) -> bool:
        """From now on the node is so; returns whether rules may differ."""
        most = _MANY_ENDPOINTS if self.node.endpoint_comments else _FEW_ENDPOINTS
        node = replace(node, endpoint_comments=self._endpoints <= most)
        if node == self.node:
            return False
        self.node = node
        for entries in self._services.values():
            entries[:] = [
                _Entry(entry.port, entry.endpoints, build(entry.port, entry.endpoints, node)) for entry in entries
            ]
        return True

    def tables(self) -> Tables:
        """The whole of both tables; the same services give the same bytes."""
        return assemble((entry.rules for key in sorted(self._services) for entry in self._services[key]), self.node)

    def health_check_ports(self) -> dict[int, tuple[str, int]]:
        """Health check node port to the service's "namespace/name" and its number of endpoints on this node."""
        return {
            entry.port.health_check_node_port: (
                key,
                len({endpoint.ip for endpoint in entry.endpoints if endpoint.local and endpoint.ready}),
            )
            for key, entries in self._services.items()
            for entry in entries
            if entry.port.health_check_node_port
        }

    def without_local_endpoints(self, policy: str) -> int:
        """How many service ports have endpoints, yet none on this node where the traffic policy ("internal",
        "external") wants one."""
        return sum(
            policy in entry.rules.without_local_endpoints for entries in self._services.values() for entry in entries
        )

    def udp_targets(self) -> FlowTargets:
        """Where UDP flows may lead: by (address, port), the address "" for node ports."""
        targets: FlowTargets = {}
        for entries in self._services.values():
            for entry in entries:
                port = entry.port
                if port.protocol != "udp":
                    continue
                reachable = frozenset((e.ip, e.port) for e in choose(port, entry.endpoints, self.node.zone).reachable)
                for address in (port.cluster_ip, *port.external_ips, *port.load_balancer_ips):
                    targets[address, port.port] = reachable
                if port.node_port:
                    targets["", port.node_port] = reachable
        return targets

    def __len__(self) -> int:
        return len(self._services)
