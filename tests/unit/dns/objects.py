"""Services, slices and a zone of them."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from dns.zone.model import service_records
from dns.zone.zone import Zone

NOW = 1_700_000_000


def service(name: str = "web", namespace: str = "default", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.7", **spec},
    }


def endpoint_slice(
    *endpoints: Object | str, name: str = "web", namespace: str = "default", ports: list[Object] | None = None,
    family: str = "IPv4",
) -> Object:  # fmt: skip
    return {
        "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "addressType": family,
        "endpoints": [{"addresses": [one]} if isinstance(one, str) else one for one in endpoints],
        "ports": ports or [],
    }


def zone_of(*services: tuple[Object, list[Object]], namespaces: tuple[str, ...] = ("default",)) -> Zone:
    zone = Zone("cluster.local")
    for namespace in namespaces:
        zone.put_namespace(namespace, present=True, now=NOW)
    for found, slices in services:
        records = service_records(found, slices)
        zone.put_service(records.key, records, now=NOW)
    return zone


HTTP = {"name": "http", "protocol": "TCP", "port": 80}
DNS = {"name": "dns", "protocol": "UDP", "port": 53}
