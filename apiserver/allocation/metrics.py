"""How many cluster IPs and node ports were given out: as a Service asked (static), or chosen here (dynamic)."""

from __future__ import annotations

from component.counter import LightCounter

_SCOPES = ("static", "dynamic")
ADDRESSES = LightCounter(
    "kube_apiserver_clusterip_allocator_allocation_total", "Cluster IPs given out.", ("cidr", "scope")
)
_PORTS = LightCounter("kube_apiserver_nodeport_allocator_allocation_total", "Node ports given out.", ("scope",))
PORTS = {scope: _PORTS.labels(scope) for scope in _SCOPES}


def scope(value: str, asked: frozenset[str]) -> str:
    """Whether a value is one that the Service asked for. Pure."""
    return "static" if value in asked else "dynamic"
