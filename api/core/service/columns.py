"""The table of services, as `kubectl get services` shows it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from api.kind import Column
from api.table import AGE, NAME, NONE, age, format_labels
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Type", description="How the service is reached."),
    Column(name="Cluster-IP", description="The address inside the cluster."),
    Column(name="External-IP", description="The addresses outside the cluster."),
    Column(name="Port(s)", description="Ports, node ports and protocols."),
    AGE,
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)


def _ingress_points(service: Object) -> str:
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    points = [point.get("ip") or point.get("hostname") or "" for point in balancer.get("ingress") or ()]
    return ",".join(sorted({point for point in points if point}))


def external_ip(service: Object) -> str:
    """The column External-IP."""
    spec = service.get("spec") or {}
    kind, addresses = spec.get("type"), spec.get("externalIPs") or []
    if kind in ("ClusterIP", "NodePort"):
        return ",".join(addresses) or NONE
    if kind == "ExternalName":
        return spec.get("externalName") or ""
    if kind == "LoadBalancer":
        points = _ingress_points(service)
        listed = [*([points] if points else []), *addresses]
        return ",".join(listed) or "<pending>"
    return "<unknown>"


def ports(listed: Sequence[Mapping[str, Any]]) -> str:
    """`80:30080/TCP,443/TCP`."""
    parts = []
    for port in listed:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        parts.append(f"{port.get('port')}{node}/{port.get('protocol') or ''}")
    return ",".join(parts)


def cells(service: Object, now: datetime) -> list[Any]:
    """One row."""
    spec = service.get("spec") or {}
    addresses = spec.get("clusterIPs") or ()
    return [
        service["metadata"].get("name"),
        spec.get("type") or "",
        addresses[0] if addresses else NONE,
        external_ip(service),
        ports(spec.get("ports") or ()) or NONE,
        age(service, now),
        format_labels(spec.get("selector")),
    ]


def _spec_text(field: str) -> Callable[[Object], str]:
    return lambda service: (service.get("spec") or {}).get(field) or ""


SELECTABLE: Mapping[str, Callable[[Object], str]] = {
    "spec.clusterIP": _spec_text("clusterIP"),
    "spec.type": _spec_text("type"),
}
