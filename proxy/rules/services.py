"""A Service object becomes service ports. Pure; follows pkg/proxy/serviceport.go."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from apimachinery.objects import Object, annotations_of, labels_of, name_of, namespace_of
from proxy.rules.model import ServicePort

_PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
_HEADLESS_LABEL = "service.kubernetes.io/headless"
#: The first, older one decides where it is given.
_HINTS_ANNOTATIONS = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode")


def service_ports(service: Object, *, ipv6: bool = False) -> list[ServicePort]:
    """The ports of a Service in one address family; none for a headless or ExternalName one, or one that another
    proxy serves."""
    spec = service.get("spec") or {}
    if not is_ours(service):
        return []
    cluster_ips = of_family(spec.get("clusterIPs") or [spec.get("clusterIP")], ipv6=ipv6)
    if not cluster_ips:
        return []
    load_balancer = (service.get("status") or {}).get("loadBalancer") or {}
    ingress_ips = of_family((entry.get("ip") for entry in load_balancer.get("ingress") or ()), ipv6=ipv6)
    external_local = spec.get("externalTrafficPolicy") == "Local"
    hints = _uses_hints(service)
    ports = []
    for port in spec.get("ports") or ():
        ports.append(
            ServicePort(
                namespace=namespace_of(service),
                name=name_of(service),
                port_name=port.get("name") or "",
                protocol=(port.get("protocol") or "TCP").lower(),
                cluster_ip=cluster_ips[0],
                port=int(port["port"]),
                node_port=int(port.get("nodePort") or 0),
                external_ips=of_family(spec.get("externalIPs") or (), ipv6=ipv6),
                load_balancer_ips=ingress_ips,
                source_ranges=of_family(spec.get("loadBalancerSourceRanges") or (), ipv6=ipv6),
                affinity_seconds=_affinity_seconds(spec),
                external_local=external_local,
                internal_local=spec.get("internalTrafficPolicy") == "Local",
                health_check_node_port=int(spec.get("healthCheckNodePort") or 0) if external_local else 0,
                topology_hints=hints,
            )
        )
    return ports


def is_ours(service: Object) -> bool:
    """Whether this proxy serves the Service at all."""
    spec, labels = service.get("spec") or {}, labels_of(service)
    cluster_ip = spec.get("clusterIP")
    if _PROXY_NAME_LABEL in labels or _HEADLESS_LABEL in labels:
        return False
    return bool(cluster_ip) and cluster_ip != "None" and spec.get("type") != "ExternalName"


def of_family(addresses: Iterable[str | None], *, ipv6: bool) -> tuple[str, ...]:
    """Those addresses or CIDRs that are of the family and are valid at all, in one form of writing."""
    found = []
    for address in addresses:
        try:
            parsed = ipaddress.ip_interface((address or "").strip())
        except ValueError:
            continue
        if (parsed.version == 6) == ipv6:
            found.append(str(parsed.network) if "/" in (address or "") else str(parsed.ip))
    return tuple(dict.fromkeys(found))


def _uses_hints(service: Object) -> bool:
    """Whether the Service asks for topology-aware routing (KEP-2433): any mode but "disabled" does."""
    annotations = annotations_of(service)
    mode = next((annotations[name] for name in _HINTS_ANNOTATIONS if annotations.get(name)), "")
    return mode not in ("", "disabled", "Disabled")


def _affinity_seconds(spec: Object) -> int:
    if spec.get("sessionAffinity") != "ClientIP":
        return 0
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    return int(config.get("timeoutSeconds") or 10800)
