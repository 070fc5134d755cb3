"""A pod's claims against a node: bound ones must be reachable there, others must find or get a volume there. Pure.

What a chosen node then means for claims that wait for their first consumer is a plan of writes, done in `bind`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.placement.nodeselector import requirement_matches, selector_matches
from api.placement.resources import amount
from apimachinery import labels
from apimachinery.objects import Object, annotations_of, is_deleting, labels_of, name_of, namespace_of, uid_of
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Lookups

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_LEGACY_CLASS = "volume.beta.kubernetes.io/storage-class"


@dataclass(frozen=True, slots=True)
class Claims:
    """A pod's claims by what is left to do; `problem` says why none of it can be done."""

    bound: list[Object] = field(default_factory=list)
    waiting: list[Object] = field(default_factory=list)  #: for their first consumer's node
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BindVolume:
    """Give this volume to this claim."""

    volume: Object
    claim: Object


@dataclass(frozen=True, slots=True)
class ProvisionVolume:
    """Have a volume made for this claim where the node can reach it."""

    claim: Object
    node: str


def claim_names(pod: PodInfo) -> list[str]:
    """The claims that the pod's volumes name, those of generic ephemeral volumes included."""
    names = []
    for volume in pod.spec.get("volumes") or ():
        if volume.get("persistentVolumeClaim"):
            names.append(volume["persistentVolumeClaim"]["claimName"])
        elif volume.get("ephemeral"):
            names.append(f"{pod.name}-{volume['name']}")
    return names


def classify(pod: PodInfo, lookups: Lookups) -> Claims:
    """Look the pod's claims up."""
    out = Claims()
    unbound_immediate = False
    for name in claim_names(pod):
        claim = lookups.claim(pod.namespace, name)
        if claim is None:
            return Claims(problem=f'persistentvolumeclaim "{name}" not found')
        if is_deleting(claim):
            return Claims(problem=f'persistentvolumeclaim "{name}" is being deleted')
        if is_bound(claim):
            out.bound.append(claim)
        elif not (claim.get("spec") or {}).get("volumeName") and waits_for_consumer(claim, lookups):
            out.waiting.append(claim)
        else:
            unbound_immediate = True
    if unbound_immediate:
        return Claims(problem="pod has unbound immediate PersistentVolumeClaims")
    return out


def is_bound(claim: Object) -> bool:
    """Whether both sides of the claim's binding have been written."""
    return bool((claim.get("spec") or {}).get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def waits_for_consumer(claim: Object, lookups: Lookups) -> bool:
    """Whether the claim's class leaves binding until a pod has its node."""
    found = lookups.storage_class(class_of(claim))
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def class_of(obj: Object) -> str:
    """The storage class of a claim or volume, "" for none."""
    legacy = annotations_of(obj).get(_LEGACY_CLASS)
    return legacy if legacy is not None else (obj.get("spec") or {}).get("storageClassName") or ""


def reachable(volume: Object, node: NodeInfo) -> bool:
    """Whether the volume's node affinity selects the node."""
    required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
    return required is None or (node.node is not None and selector_matches(required, node.node))


def plan(pod: PodInfo, node: NodeInfo, lookups: Lookups) -> list[BindVolume | ProvisionVolume] | None:
    """How the claims that wait get their volumes on this node; None where one cannot."""
    claims = classify(pod, lookups)
    steps: list[BindVolume | ProvisionVolume] = []
    taken: set[str] = set()
    for claim in sorted(claims.waiting, key=_requested):
        volume = smallest_match(claim, node, lookups.volumes(), taken)
        if volume is not None:
            taken.add(name_of(volume))
            steps.append(BindVolume(volume, claim))
        elif provisionable(claim, node, lookups):
            steps.append(ProvisionVolume(claim, node.name))
        else:
            return None
    return steps


def provisionable(claim: Object, node: NodeInfo, lookups: Lookups) -> bool:
    """Whether the claim's class makes volumes, for where this node is."""
    found = lookups.storage_class(class_of(claim))
    if found is None or found.get("provisioner") in (None, "", NO_PROVISIONER):
        return False
    topologies = found.get("allowedTopologies") or ()
    return not topologies or any(
        all(
            requirement_matches({**expression, "operator": "In"}, node.labels)
            for expression in topology.get("matchLabelExpressions") or ()
        )
        for topology in topologies
    )


def smallest_match(claim: Object, node: NodeInfo, volumes: Iterable[Object], taken: set[str]) -> Object | None:
    """The smallest volume that is free (or reserved for the claim) and does, on this node."""
    best: tuple[int, str, Object] | None = None
    for volume in volumes:
        if name_of(volume) in taken or not reachable(volume, node):
            continue
        reserved = reserved_for(volume, claim)
        if reserved is False or not satisfies(volume, claim):
            continue
        if reserved:
            return volume
        candidate = (_capacity(volume), name_of(volume), volume)
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
    if class_of(volume) != class_of(claim) or _capacity(volume) < _requested(claim):
        return False
    if (spec.get("volumeMode") or "Filesystem") != (wanted.get("volumeMode") or "Filesystem"):
        return False
    modes: Sequence[Any] = spec.get("accessModes") or ()
    if any(mode not in modes for mode in wanted.get("accessModes") or ()):
        return False
    selector = wanted.get("selector")
    return selector is None or labels.from_label_selector(selector).matches(labels_of(volume))


def _capacity(volume: Object) -> int:
    return amount("storage", ((volume.get("spec") or {}).get("capacity") or {}).get("storage", 0))


def _requested(claim: Object) -> int:
    requests = ((claim.get("spec") or {}).get("resources") or {}).get("requests") or {}
    return amount("storage", requests.get("storage", 0))
