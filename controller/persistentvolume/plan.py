"""What a claim or a volume becomes next: bound, available, released, lost. Pure (pkg/controller/volume)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from api.placement.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    NO_PROVISIONER,
    SELECTED_NODE,
    is_bound,
    reserved_for,
    smallest_match,
)
from apimachinery.objects import Object, annotations_of, is_deleting, name_of, uid_of
from controller.pods import is_finished

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
PROVISIONER = "volume.kubernetes.io/storage-provisioner"


@dataclass(frozen=True, slots=True)
class Bind:
    """Bind the claim to this volume."""

    volume: Object


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to bind to yet: the claim stays Pending, for an Event's reason, and is marked for its provisioner."""

    type: str
    reason: str
    message: str
    provisioner: str = ""


@dataclass(frozen=True, slots=True)
class Lost:
    """The claim's volume is gone."""

    message: str


def claim_step(claim: Object, volumes: Sequence[Object], storage_class: Object | None) -> Bind | Wait | Lost | None:
    """The next step of a claim; None: it is as it should be."""
    wanted = (claim.get("spec") or {}).get("volumeName")
    if wanted:
        found = next((volume for volume in volumes if name_of(volume) == wanted), None)
        if found is None:
            lost = is_bound(claim)
            return Lost("Bound claim has lost its PersistentVolume. Data on the volume is lost!") if lost else None
        if reserved_for(found, claim) is False and (found["spec"].get("claimRef") or is_deleting(found)):
            lost = is_bound(claim)
            return Lost("Two claims are bound to the same volume, this one is bound incorrectly") if lost else None
        return Bind(found)
    reserved = next((volume for volume in volumes if reserved_for(volume, claim)), None)
    if reserved is not None:
        return Bind(reserved)
    late = storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"
    if late and SELECTED_NODE not in annotations_of(claim):
        text = "waiting for first consumer to be created before binding"
        return Wait("Normal", "WaitForFirstConsumer", text)
    match = None if late else smallest_match(claim, volumes)
    if match is not None:
        return Bind(match)
    provisioner = (storage_class or {}).get("provisioner") or ""
    if provisioner and provisioner != NO_PROVISIONER:
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered."
        )
        return Wait("Normal", "ExternalProvisioning", text, provisioner)
    text = "no persistent volumes available for this claim and no storage class is set"
    return Wait("Normal", "FailedBinding", text)


def bound_claim(claim: Object, volume: Object) -> Object:
    """The claim that names its volume."""
    annotations = {**annotations_of(claim), BIND_COMPLETED: "yes"}
    if (claim["spec"].get("volumeName") or "") != name_of(volume):
        annotations[BOUND_BY_CONTROLLER] = "yes"
    metadata = {**claim["metadata"], "annotations": annotations}
    return {**claim, "metadata": metadata, "spec": {**claim["spec"], "volumeName": name_of(volume)}}


def claim_status(claim: Object, phase: str, volume: Object | None) -> Object:
    """The claim's status in that phase."""
    old = {key: value for key, value in (claim.get("status") or {}).items() if key not in ("accessModes", "capacity")}
    status = {**old, "phase": phase}
    if phase == "Bound" and volume is not None:
        status["accessModes"] = volume["spec"].get("accessModes") or []
        status["capacity"] = volume["spec"].get("capacity") or {}
    return status


def volume_phase(volume: Object, claim: Object | None) -> str:
    """The phase of a volume; `claim` is the one of the name in its claimRef, if there is any."""
    reference = volume["spec"].get("claimRef")
    if not reference or not reference.get("uid"):
        return "Available"  # reserved by name at most
    if claim is None or uid_of(claim) != reference["uid"]:
        return "Released"
    return "Bound"


def is_in_use(claim: Object, pods: Iterable[Object]) -> bool:
    """Whether a pod that has not ended names the claim."""
    return any(not is_finished(pod) and name_of(claim) in claim_names(pod) for pod in pods)


def claim_names(pod: Object) -> list[str]:
    """The claims that the pod's volumes name, those of ephemeral volumes included."""
    names = []
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            names.append(f"{name_of(pod)}-{volume['name']}")
    return names


def unprotected(obj: Object, finalizer: str) -> Object | None:
    """The object without the finalizer, None where it does not have it."""
    finalizers = obj["metadata"].get("finalizers") or []
    if finalizer not in finalizers:
        return None
    left = [item for item in finalizers if item != finalizer]
    return {**obj, "metadata": {**obj["metadata"], "finalizers": left}}
