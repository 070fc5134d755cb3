"""The EndpointSlices of a Service: which to create, change and delete. Pure; `controller.py` carries it out.

As in KEP-752: endpoints stay in the slice they are in, what is new fills the slices with room, a slice holds one
address family and one set of ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object, annotations_of, is_deleting, labels_of
from controller.endpointslice.hints import ZONE, NoHints, give_hints, wants_hints, zone_shares
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

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
MANAGER = "endpointslice-controller.k8s.io"
SERVICE_NAME = "kubernetes.io/service-name"

Endpoint = dict[str, Any]
#: Address type and ports: what all endpoints of a slice share.
Shape = tuple[str, tuple[tuple[tuple[str, Any], ...], ...]]


@dataclass(slots=True)
class SlicePlan:
    """What to write, in this order; `update` and `delete` carry the resourceVersion they were planned from."""

    create: list[Object] = field(default_factory=list)
    update: list[Object] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    #: Why there are no hints, by address type; "" where there are. Empty for a Service that does not ask for any.
    hints: dict[str, str] = field(default_factory=dict)


def plan_slices(
    service: Object,
    pods: Sequence[Object],
    nodes: Mapping[str, Object],
    existing: Sequence[Object],
    *,
    max_endpoints: int = 100,
) -> SlicePlan:
    """From the Service's pods and the slices there are to the writes that make them agree."""
    desired = _desired(service, [pod for pod in pods if has_address(pod)], nodes)
    meta = _SliceMeta(service, trigger_time(service, [pod for pod in pods if has_address(pod)]))
    by_shape: dict[Shape, list[Object]] = {}
    plan = SlicePlan()
    for current in existing:
        if current["addressType"] in _families(service):
            by_shape.setdefault(_shape_of(current), []).append(current)
        else:
            plan.delete.append(current)
    if wants_hints(service):
        for shape, endpoints in desired.items():
            plan.hints[shape[0]] = _add_hints(endpoints, by_shape.get(shape, []), nodes)
    for shape in sorted({*desired, *by_shape}):
        _plan_shape(plan, shape, desired.get(shape, {}), by_shape.get(shape, []), meta, max_endpoints)
    _keep_one(plan, existing, meta, _families(service))
    return plan


def _families(service: Object) -> list[str]:
    return service["spec"].get("ipFamilies") or ["IPv4"]


def _desired(service: Object, pods: Sequence[Object], nodes: Mapping[str, Object]) -> dict[Shape, dict[str, Endpoint]]:
    """Endpoints by shape and by the pod's uid."""
    desired: dict[Shape, dict[str, Endpoint]] = {}
    for pod in pods:
        ports = endpoint_ports(service, pod)
        if not ports and not is_headless(service):
            continue
        for address in addresses(pod):
            if address_type(address) not in _families(service):
                continue
            shape = (address_type(address), tuple(sorted(tuple(sorted(port.items())) for port in ports)))
            desired.setdefault(shape, {})[pod["metadata"]["uid"]] = _endpoint(service, pod, address, nodes)
    return desired


def _endpoint(service: Object, pod: Object, address: str, nodes: Mapping[str, Object]) -> Endpoint:
    serving = is_ready(pod)
    terminating = is_deleting(pod)
    ready = publishes_not_ready(service) or (serving and not terminating)
    endpoint: Endpoint = {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target_ref(pod),
    }
    hostname = hostname_of(service, pod)
    if hostname:
        endpoint["hostname"] = hostname
    node_name = pod["spec"].get("nodeName")
    if node_name:
        endpoint["nodeName"] = node_name
        zone = labels_of(nodes.get(node_name) or {}).get(ZONE)
        if zone:
            endpoint["zone"] = zone
    return endpoint


def _add_hints(endpoints: dict[str, Endpoint], existing: Sequence[Object], nodes: Mapping[str, Object]) -> str:
    """Hints for the endpoints of one shape; why there can be none, or ""."""
    before = {
        _uid(endpoint): zone["name"]
        for current in existing
        for endpoint in current.get("endpoints") or ()
        for zone in ((endpoint.get("hints") or {}).get("forZones") or ())[:1]
    }
    try:
        give_hints(endpoints, before, zone_shares(nodes.values()))
    except NoHints as reason:
        return str(reason)
    return ""


def _shape_of(current: Object) -> Shape:
    ports = []
    for port in current.get("ports") or ():
        ports.append(tuple(sorted({"name": "", "protocol": "TCP", **port}.items())))
    return current["addressType"], tuple(sorted(ports))


class _SliceMeta:
    """The metadata that every slice of one Service carries."""

    def __init__(self, service: Object, when: str) -> None:
        self._service = service
        self._when = when
        labels = {k: v for k, v in labels_of(service).items() if k != HEADLESS_LABEL}
        if is_headless(service):
            labels[HEADLESS_LABEL] = ""
        self.labels = {**labels, SERVICE_NAME: service["metadata"]["name"], MANAGED_BY: MANAGER}

    def fits(self, current: Object) -> bool:
        return labels_of(current) == self.labels

    def update(self, current: Object, endpoints: list[Endpoint]) -> Object:
        annotations = dict(annotations_of(current))
        if self._when:
            annotations[LAST_CHANGE_TRIGGER_TIME] = self._when
        meta = {**current["metadata"], "labels": self.labels, "annotations": annotations}
        return {**current, "metadata": meta, "endpoints": endpoints}

    def new(self, shape: Shape, endpoints: list[Endpoint]) -> Object:
        owner = self._service["metadata"]
        meta: dict[str, Any] = {
            "generateName": f"{owner['name']}-",
            "namespace": owner["namespace"],
            "labels": self.labels,
            "ownerReferences": [
                {
                    "apiVersion": "v1", "kind": "Service", "name": owner["name"], "uid": owner["uid"],
                    "controller": True, "blockOwnerDeletion": True,
                }
            ],
        }  # fmt: skip
        if self._when:
            meta["annotations"] = {LAST_CHANGE_TRIGGER_TIME: self._when}
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": meta,
            "addressType": shape[0],
            "endpoints": endpoints,
            "ports": [dict(port) for port in shape[1]],
        }


def _uid(endpoint: Endpoint) -> str:
    uid: str = (endpoint.get("targetRef") or {}).get("uid") or ""
    return uid


def _plan_shape(
    plan: SlicePlan, shape: Shape, desired: dict[str, Endpoint], existing: list[Object], meta: _SliceMeta, most: int
) -> None:
    """Bring the slices of one shape to hold exactly `desired`."""
    left = dict(desired)
    kept: list[tuple[Object, list[Endpoint]]] = []
    for current in sorted(existing, key=lambda s: s["metadata"]["name"]):
        endpoints = [left.pop(_uid(e)) for e in current.get("endpoints") or () if _uid(e) in left]
        kept.append((current, endpoints[:most]))
        left.update({_uid(e): e for e in endpoints[most:]})
    new = list(left.values())
    # The fullest slices first: few slices change, and those that ran empty are used last.
    for _, endpoints in sorted(kept, key=lambda pair: -len(pair[1])):
        room = most - len(endpoints)
        endpoints += new[:room]
        new = new[room:]
    for current, endpoints in kept:
        if not endpoints:
            plan.delete.append(current)
        elif endpoints != (current.get("endpoints") or []) or not meta.fits(current):
            plan.update.append(meta.update(current, endpoints))
    for start in range(0, len(new), most):
        plan.create.append(meta.new(shape, new[start : start + most]))


def _keep_one(plan: SlicePlan, existing: Sequence[Object], meta: _SliceMeta, families: list[str]) -> None:
    """A Service without endpoints has one empty slice per family, so that consumers see that there are none."""
    for family in families:
        doomed = [s for s in plan.delete if s["addressType"] == family]
        surviving = [s for s in existing if s["addressType"] == family and s not in doomed]
        if surviving or any(s["addressType"] == family for s in plan.create):
            continue
        if not doomed:
            plan.create.append(meta.new((family, ()), []))
            continue
        placeholder = doomed[0]
        plan.delete.remove(placeholder)
        if placeholder.get("endpoints") or not meta.fits(placeholder):
            plan.update.append(meta.update(placeholder, []))
