"""EndpointSlices for Endpoints of Services without a selector. Pure; `controller.py` carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, annotations_of, is_deleting, labels_of, name_of, namespace_of, uid_of
from controller.endpointslice.plan import MANAGED_BY, SERVICE_NAME, Shape, SlicePlan
from controller.servicepods import LAST_CHANGE_TRIGGER_TIME, address_type, selector_of

MANAGER = "endpointslicemirroring-controller.k8s.io"
_SKIP = "endpointslice.kubernetes.io/skip-mirror"
_LEADER = "control-plane.alpha.kubernetes.io/leader"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def is_mirrored(endpoints: Object | None, service: Object | None) -> bool:
    """Whether slices are made of these Endpoints: its Service has no selector, and nobody asked to be spared."""
    if endpoints is None or service is None or is_deleting(service) or selector_of(service):
        return False
    return labels_of(endpoints).get(_SKIP) != "true" and _LEADER not in annotations_of(endpoints)


def plan_mirror(endpoints: Object, existing: Sequence[Object], *, max_per_subset: int) -> SlicePlan:
    """From the Endpoints and the slices made of them to the writes that make them agree."""
    plan = SlicePlan()
    left = {name_of(item): item for item in existing}
    for shape, wanted in sorted(_desired(endpoints, max_per_subset).items()):
        current = next((item for item in left.values() if _shape(item) == shape), None)
        if current is None:
            plan.create.append(_new(endpoints, shape, wanted))
            continue
        del left[name_of(current)]
        changed = _changed(endpoints, current, wanted)
        if changed is not None:
            plan.update.append(changed)
    plan.delete += left.values()
    return plan


def _desired(endpoints: Object, most: int) -> dict[Shape, list[dict[str, Any]]]:
    """Endpoints by what a slice has once: address family and ports. Of a subset not more than `most`."""
    found: dict[Shape, dict[str, dict[str, Any]]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = tuple(sorted(tuple(sorted(_port(port).items())) for port in subset.get("ports") or ()))
        all_of_it = [(item, True) for item in subset.get("addresses") or ()]
        all_of_it += [(item, False) for item in subset.get("notReadyAddresses") or ()]
        for item, ready in all_of_it[:most]:
            by_address = found.setdefault((address_type(item["ip"]), ports), {})
            by_address.setdefault(item["ip"], _endpoint(item, ready=ready))
    return {shape: list(by_address.values()) for shape, by_address in found.items()}


def _endpoint(address: Object, *, ready: bool) -> dict[str, Any]:
    made: dict[str, Any] = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
    for ours, theirs in (("hostname", "hostname"), ("nodeName", "nodeName"), ("targetRef", "targetRef")):
        if address.get(theirs):
            made[ours] = address[theirs]
    return made


def _port(port: Object) -> dict[str, Any]:
    return {"name": "", "protocol": "TCP", **port}


def _shape(current: Object) -> Shape:
    ports = (tuple(sorted(_port(port).items())) for port in current.get("ports") or ())
    return current["addressType"], tuple(sorted(ports))


def _labels(endpoints: Object) -> dict[str, str]:
    return {**labels_of(endpoints), SERVICE_NAME: name_of(endpoints), MANAGED_BY: MANAGER}


def _annotations(endpoints: Object) -> dict[str, str]:
    return {key: value for key, value in annotations_of(endpoints).items() if key != _LAST_APPLIED}


def _new(endpoints: Object, shape: Shape, wanted: list[dict[str, Any]]) -> Object:
    metadata: dict[str, Any] = {
        "generateName": f"{name_of(endpoints)}-",
        "namespace": namespace_of(endpoints),
        "labels": _labels(endpoints),
        "annotations": _annotations(endpoints),
        "ownerReferences": [
            {
                "apiVersion": "v1", "kind": "Endpoints", "name": name_of(endpoints), "uid": uid_of(endpoints),
                "controller": True, "blockOwnerDeletion": True,
            }
        ],
    }  # fmt: skip
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": shape[0],
        "endpoints": wanted,
        "ports": [dict(port) for port in shape[1]],
    }


def _changed(endpoints: Object, current: Object, wanted: list[dict[str, Any]]) -> Object | None:
    """The slice as it should be; None where it is so. The time of the last change alone is no change."""
    labels, annotations = _labels(endpoints), _annotations(endpoints)

    def without_time(found: dict[str, str]) -> dict[str, str]:
        return {key: value for key, value in found.items() if key != LAST_CHANGE_TRIGGER_TIME}

    same = (
        (current.get("endpoints") or []) == wanted
        and labels_of(current) == labels
        and without_time(annotations_of(current)) == without_time(annotations)
    )
    if same:
        return None
    metadata = {**current["metadata"], "labels": labels, "annotations": annotations}
    return {**current, "metadata": metadata, "endpoints": wanted}
