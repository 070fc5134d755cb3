"""The Endpoints object of a Service and its pods. Pure; `controller.py` writes it.

Addresses are grouped by the ports they serve, as k8s.io/kubernetes/pkg/api/v1/endpoints.RepackSubsets does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, annotations_of, is_deleting, labels_of
from controller.pods import is_ready
from controller.servicepods import (
    HEADLESS_LABEL,
    LAST_CHANGE_TRIGGER_TIME,
    address_type,
    addresses,
    endpoint_ports,
    has_address,
    hostname_of,
    is_headless,
    publishes_not_ready,
    target_ref,
    trigger_time,
)

#: Most addresses in one Endpoints object; the rest is only in EndpointSlices.
MAX_ADDRESSES = 1000
OVER_CAPACITY = "endpoints.kubernetes.io/over-capacity"


def plan_endpoints(service: Object, pods: Sequence[Object], current: Object | None) -> Object | None:
    """The Endpoints to create (`current` None) or to replace `current` with; None where `current` is right already."""
    chosen = [pod for pod in pods if has_address(pod) and (publishes_not_ready(service) or not is_deleting(pod))]
    subsets, truncated = _truncate(_subsets(service, chosen))
    labels = dict(labels_of(service))
    if is_headless(service):
        labels[HEADLESS_LABEL] = ""
    same_content = current is not None and (current.get("subsets") or []) == subsets and labels_of(current) == labels
    if current is not None and same_content and (OVER_CAPACITY in annotations_of(current)) == truncated:
        return None
    return _assemble(service, current, labels, subsets, truncated, trigger_time(service, chosen))


def _assemble(
    service: Object, current: Object | None, labels: dict[str, str], subsets: list[Object], truncated: bool, when: str
) -> Object:
    meta = dict(current["metadata"]) if current else {key: service["metadata"][key] for key in ("name", "namespace")}
    annotations = {k: v for k, v in annotations_of(current or {}).items() if k != OVER_CAPACITY}
    if when:
        annotations[LAST_CHANGE_TRIGGER_TIME] = when
    if truncated:
        annotations[OVER_CAPACITY] = "truncated"
    meta |= {"labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": meta, "subsets": subsets}


def _address(service: Object, pod: Object) -> dict[str, Any] | None:
    family = (service["spec"].get("ipFamilies") or ["IPv4"])[0]
    ip = next((ip for ip in addresses(pod) if address_type(ip) == family), None)
    if ip is None:
        return None
    entry: dict[str, Any] = {"ip": ip}
    hostname = hostname_of(service, pod)
    if hostname:
        entry["hostname"] = hostname
    if pod["spec"].get("nodeName"):
        entry["nodeName"] = pod["spec"]["nodeName"]
    entry["targetRef"] = target_ref(pod)
    return entry


def _subsets(service: Object, pods: Sequence[Object]) -> list[Object]:
    """One subset per distinct set of ports, each with its ready and its other addresses in order."""
    by_ports: dict[tuple[tuple[tuple[str, Any], ...], ...], dict[bool, list[Any]]] = {}
    for pod in pods:
        address = _address(service, pod)
        ports = endpoint_ports(service, pod)
        if address is None or (not ports and not is_headless(service)):
            continue
        ready = is_ready(pod) or publishes_not_ready(service)
        identity = tuple(sorted(tuple(sorted(port.items())) for port in ports))
        by_ports.setdefault(identity, {True: [], False: []})[ready].append(address)
    subsets = []
    for identity, groups in sorted(by_ports.items()):
        subset: Object = {}
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            if groups[ready]:
                subset[field] = sorted(groups[ready], key=lambda a: (a["ip"], a["targetRef"]["uid"]))
        if identity:
            subset["ports"] = [_port(dict(port)) for port in identity]
        subsets.append(subset)
    return subsets


def _port(port: dict[str, Any]) -> dict[str, Any]:
    if not port["name"]:
        del port["name"]
    return port


def _truncate(subsets: list[Object]) -> tuple[list[Object], bool]:
    """At most MAX_ADDRESSES, ready ones first; and whether anything was left out."""
    total = sum(len(subset.get(field) or ()) for subset in subsets for field in ("addresses", "notReadyAddresses"))
    if total <= MAX_ADDRESSES:
        return subsets, False
    left = MAX_ADDRESSES
    for field in ("addresses", "notReadyAddresses"):
        for subset in subsets:
            kept = (subset.pop(field, None) or [])[:left]
            left -= len(kept)
            if kept:
                subset[field] = kept
    return [subset for subset in subsets if subset.get("addresses") or subset.get("notReadyAddresses")], True
