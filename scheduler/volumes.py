"""A pod's claims against a node: bound ones must be reachable there, others must find or get a volume there. Pure.

What a chosen node then means for claims that wait for their first consumer is a plan of writes, done in `bind`."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.placement.nodeselector import requirement_matches, selector_matches
from api.placement.volumes import NO_PROVISIONER, class_of, is_bound, requested, smallest_match
from apimachinery.objects import Object, is_deleting, name_of
from scheduler.nodeinfo import NodeInfo
from scheduler.podinfo import PodInfo
from scheduler.snapshot import Lookups


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


def waits_for_consumer(claim: Object, lookups: Lookups) -> bool:
    """Whether the claim's class leaves binding until a pod has its node."""
    found = lookups.storage_class(class_of(claim))
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def reachable(volume: Object, node: NodeInfo) -> bool:
    """Whether the volume's node affinity selects the node."""
    required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
    return required is None or (node.node is not None and selector_matches(required, node.node))


def plan(pod: PodInfo, node: NodeInfo, lookups: Lookups) -> list[BindVolume | ProvisionVolume] | None:
    """How the claims that wait get their volumes on this node; None where one cannot."""
    claims = classify(pod, lookups)
    steps: list[BindVolume | ProvisionVolume] = []
    taken: set[str] = set()
    for claim in sorted(claims.waiting, key=requested):
        volume = smallest_match(
            claim, (item for item in lookups.volumes() if name_of(item) not in taken and reachable(item, node))
        )
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
