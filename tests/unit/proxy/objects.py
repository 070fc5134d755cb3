"""Services and EndpointSlices for the proxy's tests, as the API server would give them."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object


def service(
    name: str = "web", cluster_ip: str = "10.96.0.10", *, ports: list[Object] | None = None, **spec: Any
) -> Object:
    """A Service in namespace default; further keywords are fields of its spec, `status` its status."""
    status = spec.pop("status", {})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "type": "ClusterIP",
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "ports": ports if ports is not None else [{"port": 80, "protocol": "TCP"}],
            **spec,
        },
        "status": status,
    }


def endpoint(address: str, node: str = "n1", /, **conditions: bool) -> Object:
    """An entry of an EndpointSlice."""
    return {"addresses": [address], "nodeName": node, "conditions": {"ready": True, **conditions}}


def endpoint_slice(
    service_name: str = "web", *endpoints: Object, port: int = 8080, port_name: str = "", protocol: str = "TCP",
    name: str = "",
) -> Object:  # fmt: skip
    """An IPv4 slice of that service."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name or f"{service_name}-abcde",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": protocol}],
        "endpoints": list(endpoints),
    }
