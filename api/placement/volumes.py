"""Which PersistentVolumes do for a PersistentVolumeClaim (pkg/controller/volume/persistentvolume). Pure.

Shared by the scheduler, for claims that wait for their first consumer, and the binder of all others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from api.placement.resources import amount
from apimachinery import labels
from apimachinery.objects import Object, annotations_of, is_deleting, labels_of, name_of, namespace_of, uid_of

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_LEGACY_CLASS = "volume.beta.kubernetes.io/storage-class"


def is_bound(claim: Object) -> bool:
    """Whether both sides of the claim's binding have been written."""
    return bool((claim.get("spec") or {}).get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def class_of(obj: Object) -> str:
    """The storage class of a claim or volume, "" for none."""
    legacy = annotations_of(obj).get(_LEGACY_CLASS)
    return legacy if legacy is not None else (obj.get("spec") or {}).get("storageClassName") or ""


def smallest_match(claim: Object, volumes: Iterable[Object]) -> Object | None:
    """The smallest of the volumes that is free and does; one that is reserved for the claim before all others."""
    best: tuple[int, str, Object] | None = None
    for volume in volumes:
        reserved = reserved_for(volume, claim)
        if reserved is False or not satisfies(volume, claim):
            continue
        if reserved:
            return volume
        candidate = (capacity(volume), name_of(volume), volume)
        if best is None or candidate[:2] < best[:2]:
            best = candidate
    return best[2] if best else None


def reserved_for(volume: Object, claim: Object) -> bool | None:
    """True: the volume names this claim; False: another one, or it is not available; None: free."""
    reference = (volume.get("spec") or {}).get("claimRef")
    if reference:
        same = (reference.get("namespace"), reference.get("name")) == (namespace_of(claim), name_of(claim))
        return same and reference.get("uid") in (None, "", uid_of(claim))
    if is_deleting(volume) or (volume.get("status") or {}).get("phase") not in (None, "Available", "Pending"):
        return False
    return None


def satisfies(volume: Object, claim: Object) -> bool:
    """Whether class, mode, access modes, size and selector of the claim are met."""
    spec, wanted = volume.get("spec") or {}, claim.get("spec") or {}
    if class_of(volume) != class_of(claim) or capacity(volume) < requested(claim):
        return False
    if (spec.get("volumeMode") or "Filesystem") != (wanted.get("volumeMode") or "Filesystem"):
        return False
    modes: Sequence[Any] = spec.get("accessModes") or ()
    if any(mode not in modes for mode in wanted.get("accessModes") or ()):
        return False
    selector = wanted.get("selector")
    return selector is None or labels.from_label_selector(selector).matches(labels_of(volume))


def capacity(volume: Object) -> int:
    """The volume's size in bytes."""
    return amount("storage", ((volume.get("spec") or {}).get("capacity") or {}).get("storage", 0))


def requested(claim: Object) -> int:
    """The size that the claim asks for, in bytes."""
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return amount("storage", requests.get("storage", 0))


def with_claim(volume: Object, claim: Object) -> Object:
    """The volume with the claim's reference, as whoever binds them writes it."""
    reference = {
        "kind": "PersistentVolumeClaim",
        "apiVersion": "v1",
        "namespace": namespace_of(claim),
        "name": name_of(claim),
        "uid": uid_of(claim),
        "resourceVersion": claim["metadata"].get("resourceVersion"),
    }
    metadata = dict(volume["metadata"])
    metadata["annotations"] = {**annotations_of(volume), BOUND_BY_CONTROLLER: "yes"}
    return {**volume, "metadata": metadata, "spec": {**volume["spec"], "claimRef": reference}}
