"""The `kubernetes` Service in `default`, its Endpoints and EndpointSlice: what they have to be. Pure.

The set of API servers behind the service is kept as one Lease each (`MasterLease`, written by `Bootstrap`)."""

from __future__ import annotations

from collections.abc import Sequence

from api.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from apimachinery.objects import Object

NAMESPACE, NAME = "default", "kubernetes"
_PORT_NAME = "https"


def service(cluster_ip: str, port: int, target_port: int, node_port: int) -> Object:
    """The service at the first address of the service range; a NodePort where `node_port` is not 0."""
    ports: Object = {"name": _PORT_NAME, "protocol": "TCP", "port": port, "targetPort": target_port}
    if node_port:
        ports["nodePort"] = node_port
    family = "IPv6" if ":" in cluster_ip else "IPv4"
    return {
        "apiVersion": "v1",
        "kind": SERVICES.kind,
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": cluster_ip,
            "clusterIPs": [cluster_ip],
            "ipFamilies": [family],
            "ipFamilyPolicy": "SingleStack",
            "ports": [ports],
            "sessionAffinity": "None",
            "type": "NodePort" if node_port else "ClusterIP",
        },
    }


def endpoints(addresses: Sequence[str], port: int) -> Object:
    """The Endpoints of the service."""
    subset = {
        "addresses": [{"ip": address} for address in sorted(addresses)],
        "ports": [{"name": _PORT_NAME, "port": port, "protocol": "TCP"}],
    }
    return {
        "apiVersion": "v1",
        "kind": ENDPOINTS.kind,
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [subset] if addresses else [],
    }


def endpoint_slice(addresses: Sequence[str], port: int) -> Object:
    """The EndpointSlice of the service."""
    family = "IPv6" if any(":" in address for address in addresses) else "IPv4"
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": ENDPOINT_SLICES.kind,
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": family,
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}} for address in sorted(addresses)],
        "ports": [{"name": _PORT_NAME, "port": port, "protocol": "TCP"}],
    }


def same_endpoints(existing: Object, wanted: Object) -> bool:
    """Whether an Endpoints or EndpointSlice says what it has to."""
    if labels_missing(existing, wanted):
        return False
    return all(existing.get(key) == wanted[key] for key in ("subsets", "endpoints", "ports") if key in wanted)


def labels_missing(existing: Object, wanted: Object) -> bool:
    """Whether a label that `wanted` has is not on `existing`."""
    have = existing["metadata"].get("labels") or {}
    return any(have.get(key) != value for key, value in wanted["metadata"]["labels"].items())


def service_port_differs(existing: Object, wanted: Object) -> bool:
    """Whether the port of the service is not the one it has to be."""
    keys = ("name", "protocol", "port", "targetPort")
    have = [{key: port.get(key) for key in keys} for port in existing["spec"].get("ports") or ()]
    want = [{key: port.get(key) for key in keys} for port in wanted["spec"]["ports"]]
    return have != want
