"""On which nodes a daemon's pod should run, which pods are missing and which are too many. Pure.

The rules are those of pkg/controller/daemon: the node is pinned by a node affinity on its name, the scheduler binds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from api.placement.nodeselector import pod_matches_node
from api.placement.tolerations import (
    TAINT_DISK_PRESSURE,
    TAINT_MEMORY_PRESSURE,
    TAINT_NETWORK_UNAVAILABLE,
    TAINT_NOT_READY,
    TAINT_PID_PRESSURE,
    TAINT_UNREACHABLE,
    TAINT_UNSCHEDULABLE,
    first_untolerated,
)
from apimachinery.intorstring import scaled_value
from apimachinery.objects import Object, deep_copy, is_deleting, labels_of, name_of
from controller import pods

HASH_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
_GENERATION = "deprecated.daemonset.template.generation"


@dataclass(slots=True)
class Plan:
    """Nodes that need a pod, and pods that must go."""

    create: list[str] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    failed: list[Object] = field(default_factory=list)  #: those among `delete` that ended: told in an Event


def tolerations(pod_spec: Mapping[str, Any]) -> list[Object]:
    """The daemon's own tolerations and those that every daemon gets."""
    everyone = [
        {"key": TAINT_NOT_READY, "operator": "Exists", "effect": "NoExecute"},
        {"key": TAINT_UNREACHABLE, "operator": "Exists", "effect": "NoExecute"},
        {"key": TAINT_DISK_PRESSURE, "operator": "Exists", "effect": "NoSchedule"},
        {"key": TAINT_MEMORY_PRESSURE, "operator": "Exists", "effect": "NoSchedule"},
        {"key": TAINT_PID_PRESSURE, "operator": "Exists", "effect": "NoSchedule"},
        {"key": TAINT_UNSCHEDULABLE, "operator": "Exists", "effect": "NoSchedule"},
    ]
    if pod_spec.get("hostNetwork"):
        everyone.append({"key": TAINT_NETWORK_UNAVAILABLE, "operator": "Exists", "effect": "NoSchedule"})
    own = list(pod_spec.get("tolerations") or ())
    return own + [item for item in everyone if item not in own]


def wants_node(daemon: Object, node: Object) -> tuple[bool, bool]:
    """(a pod should start there, a pod that is there may stay)."""
    spec = daemon["spec"]["template"].get("spec") or {}
    if spec.get("nodeName") and spec["nodeName"] != name_of(node):
        return False, False
    if not pod_matches_node(spec, node):
        return False, False
    taints = (node.get("spec") or {}).get("taints") or ()
    accepted = tolerations(spec)
    starts = first_untolerated(taints, accepted) is None
    stays = first_untolerated(taints, accepted, ("NoExecute",)) is None
    return starts, stays


def node_of(pod: Object) -> str:
    """The node that the pod is on or, by its affinity, meant for."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    for term in (required or {}).get("nodeSelectorTerms") or ():
        for item in term.get("matchFields") or ():
            if item.get("key") == "metadata.name" and item.get("values"):
                return str(item["values"][0])
    return ""


def by_node(own: Iterable[Object]) -> dict[str, list[Object]]:
    """The daemon's pods by node."""
    out: dict[str, list[Object]] = {}
    for pod in own:
        out.setdefault(node_of(pod), []).append(pod)
    return out


def plan(daemon: Object, nodes: Sequence[Object], own: Sequence[Object]) -> Plan:
    """One pod on every node that should have one; the oldest running one stays where there are several."""
    out = Plan()
    placed = by_node(own)
    names = {name_of(node) for node in nodes}
    for node in nodes:
        starts, stays = wants_node(daemon, node)
        here = placed.get(name_of(node), [])
        if not stays:
            out.delete += [pod for pod in here if not is_deleting(pod)]
            continue
        failed = [pod for pod in here if pods.phase(pod) == "Failed" and not is_deleting(pod)]
        out.failed += failed
        out.delete += failed
        running = [pod for pod in here if not pods.is_finished(pod) and not is_deleting(pod)]
        ended = [pod for pod in here if pods.phase(pod) == "Succeeded" and not is_deleting(pod)]
        out.delete += ended
        out.delete += sorted(running, key=_age)[1:]
        if not here and starts:
            out.create.append(name_of(node))
    for name, strays in placed.items():
        if name and name not in names:
            out.delete += [
                pod for pod in strays if not is_deleting(pod) and not (pod.get("spec") or {}).get("nodeName")
            ]
    return out


def _age(pod: Object) -> tuple[bool, str, str]:
    meta = pod["metadata"]
    return not (pod.get("spec") or {}).get("nodeName"), meta.get("creationTimestamp") or "", meta["name"]


def pod_for(daemon: Object, node: str, hash: str, reference: dict[str, Any]) -> Object:
    """The pod for one node."""
    made = pods.from_template(daemon["spec"]["template"], name_of(daemon), daemon["metadata"]["namespace"], reference)
    made["metadata"]["labels"] = {
        **(made["metadata"].get("labels") or {}),
        HASH_LABEL: hash,
        GENERATION_LABEL: (daemon["metadata"].get("annotations") or {}).get(_GENERATION)
        or str(daemon["metadata"].get("generation") or 1),
    }
    spec = made["spec"]
    spec["tolerations"] = tolerations(spec)
    affinity = deep_copy(spec.get("affinity") or {})
    requirement = {"key": "metadata.name", "operator": "In", "values": [node]}
    node_affinity = affinity.setdefault("nodeAffinity", {})
    # The name replaces the other terms' fields: they were looked at when the node was chosen.
    node_affinity["requiredDuringSchedulingIgnoredDuringExecution"] = {
        "nodeSelectorTerms": [{"matchFields": [requirement]}]
    }
    spec["affinity"] = affinity
    return made


def is_current(pod: Object, hash: str) -> bool:
    """Whether the pod is of the present template."""
    return labels_of(pod).get(HASH_LABEL) == hash


def outdated_to_replace(
    daemon: Object, nodes: Sequence[Object], own: Sequence[Object], hash: str, now: datetime
) -> list[Object]:
    """Old pods that a rolling update may delete now: so many that no more than maxUnavailable nodes lack an available
    pod. Old pods that are not available anyway go first and cost nothing."""
    strategy = daemon["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    wanted = [name_of(node) for node in nodes if wants_node(daemon, node)[0]]
    limit = scaled_value((strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(wanted), round_up=True)
    min_ready = daemon["spec"].get("minReadySeconds") or 0
    placed = by_node(pod for pod in own if not is_deleting(pod))
    unavailable = 0
    idle: list[Object] = []
    working: list[Object] = []
    for name in wanted:
        here = placed.get(name, [])
        available = [pod for pod in here if pods.is_available(pod, min_ready, now)]
        unavailable += not available
        old = [pod for pod in here if not is_current(pod, hash)]
        (working if available else idle).extend(old)
    return idle + working[: max(max(limit, 1) - unavailable, 0)]


def status(daemon: Object, nodes: Sequence[Object], own: Sequence[Object], hash: str, now: datetime) -> Object:
    """The daemon set's status."""
    placed = by_node(own)
    min_ready = daemon["spec"].get("minReadySeconds") or 0
    out = dict.fromkeys(
        ("desiredNumberScheduled", "currentNumberScheduled", "numberMisscheduled", "numberReady", "numberAvailable",
         "updatedNumberScheduled"), 0,
    )  # fmt: skip
    for node in nodes:
        here = placed.get(name_of(node), [])
        if not wants_node(daemon, node)[0]:
            out["numberMisscheduled"] += bool(here)
            continue
        out["desiredNumberScheduled"] += 1
        if not here:
            continue
        pod = min(here, key=_age)
        out["currentNumberScheduled"] += 1
        out["numberReady"] += pods.is_ready(pod)
        out["numberAvailable"] += pods.is_available(pod, min_ready, now)
        out["updatedNumberScheduled"] += is_current(pod, hash)
    result: Object = {
        **out,
        "numberUnavailable": out["desiredNumberScheduled"] - out["numberAvailable"],
        "observedGeneration": daemon["metadata"].get("generation") or 0,
    }
    old = daemon.get("status") or {}
    for key in ("collisionCount", "conditions"):
        if old.get(key) is not None:
            result[key] = old[key]
    return result
