"""Which pod of a stateful set is made, replaced or deleted next. Pure.

One step at a time for OrderedReady (each pod waits for the one before), all at once for Parallel; the rules are those
of pkg/controller/statefulset."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apimachinery.intorstring import scaled_value
from apimachinery.objects import Object, deep_copy, is_deleting, labels_of, name_of, namespace_of
from controller import pods

HASH_LABEL = "controller-revision-hash"
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
INDEX_LABEL = "apps.kubernetes.io/pod-index"
_NAME = re.compile(r"(.*)-([0-9]+)")


@dataclass(slots=True)
class Plan:
    """Ordinals to make and of which revision, and pods to delete."""

    create: list[tuple[int, str]] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)


def ordinal_of(owner: Object, pod: Object) -> int | None:
    """The pod's ordinal, None where its name is not one of the set's."""
    match = _NAME.fullmatch(name_of(pod))
    return int(match[2]) if match is not None and match[1] == name_of(owner) else None


def start_of(owner: Object) -> int:
    """The first ordinal."""
    return int((owner["spec"].get("ordinals") or {}).get("start") or 0)


def replicas_of(owner: Object) -> int:
    """How many pods are asked for."""
    value = owner["spec"].get("replicas")
    return 1 if value is None else int(value)


def is_parallel(owner: Object) -> bool:
    """Whether pods need not wait for each other."""
    return bool(owner["spec"].get("podManagementPolicy") == "Parallel")


def partition_of(owner: Object) -> int:
    """Ordinals below it keep the old revision."""
    rolling = (owner["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def plan(owner: Object, own: Sequence[Object], current: str, update: str, now: datetime) -> Plan:
    """The next step. `current` is the revision that all pods had before, `update` that of the present template."""
    out = Plan()
    first, count = start_of(owner), replicas_of(owner)
    by_ordinal = {ordinal: pod for pod in own if (ordinal := ordinal_of(owner, pod)) is not None}
    min_ready = owner["spec"].get("minReadySeconds") or 0
    parallel = is_parallel(owner)
    wanted = range(first, first + count)
    for ordinal in wanted:
        pod = by_ordinal.get(ordinal)
        if pod is None:
            out.create.append((ordinal, _revision_for(owner, ordinal, current, update)))
        elif pods.is_finished(pod) and not is_deleting(pod):
            out.delete.append(pod)
        elif not is_deleting(pod) and pods.is_available(pod, min_ready, now):
            continue
        if not parallel:
            return out  # the next ones wait for this one
    surplus = sorted((ordinal for ordinal in by_ordinal if ordinal not in wanted), reverse=True)
    ill = [n for n in surplus if is_deleting(by_ordinal[n]) or not pods.is_ready(by_ordinal[n])]
    for ordinal in surplus:
        pod = by_ordinal[ordinal]
        if not parallel and not pods.is_available(pod, min_ready, now) and ordinal != min(ill, default=ordinal):
            return out  # one below it is unhealthy, too: whoever scales down an ill set is to look at it first
        if not is_deleting(pod):
            out.delete.append(pod)
        if not parallel:
            return out
    if out.create or out.delete or surplus:
        return out
    out.delete += outdated(owner, by_ordinal, update, now)
    return out


def _revision_for(owner: Object, ordinal: int, current: str, update: str) -> str:
    """What a pod that is made anew gets: below the partition what was there before."""
    strategy = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate")
    if strategy == "RollingUpdate" and ordinal < partition_of(owner) + start_of(owner):
        return current
    return update


def outdated(owner: Object, by_ordinal: dict[int, Object], update: str, now: datetime) -> list[Object]:
    """Old pods that a rolling update deletes now, the highest ordinal first, at most maxUnavailable at a time."""
    strategy = owner["spec"].get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return []
    limit = scaled_value(
        (strategy.get("rollingUpdate") or {}).get("maxUnavailable") or 1, replicas_of(owner), round_up=False
    )
    min_ready = owner["spec"].get("minReadySeconds") or 0
    unavailable = 0
    out: list[Object] = []
    for ordinal in range(start_of(owner) + replicas_of(owner) - 1, start_of(owner) + partition_of(owner) - 1, -1):
        pod = by_ordinal[ordinal]
        if labels_of(pod).get(HASH_LABEL) != update and not is_deleting(pod):
            out.append(pod)
            unavailable += 1
        elif is_deleting(pod) or not pods.is_available(pod, min_ready, now):
            unavailable += 1
        if unavailable >= max(limit, 1):
            break
    return out


def pod_for(owner: Object, template: Object, ordinal: int, revision: str, reference: dict[str, Any]) -> Object:
    """The pod of one ordinal: its name, host name and volumes are its own."""
    made = pods.from_template(template, name_of(owner), namespace_of(owner), reference)
    metadata, spec = made["metadata"], made["spec"]
    del metadata["generateName"]
    name = f"{name_of(owner)}-{ordinal}"
    metadata["name"] = name
    metadata["labels"] = {
        **(metadata.get("labels") or {}),
        HASH_LABEL: revision,
        POD_NAME_LABEL: name,
        INDEX_LABEL: str(ordinal),
    }
    spec["hostname"] = name
    spec["subdomain"] = owner["spec"].get("serviceName") or ""
    claims = [item["metadata"]["name"] for item in owner["spec"].get("volumeClaimTemplates") or ()]
    others = [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
    own = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}"}} for claim in claims]
    if own or others:
        spec["volumes"] = own + others
    return made


def claims_for(owner: Object, ordinal: int) -> list[Object]:
    """The claims of one ordinal; they outlive its pod."""
    made = []
    selector = (owner["spec"].get("selector") or {}).get("matchLabels") or {}
    for template in owner["spec"].get("volumeClaimTemplates") or ():
        metadata = deep_copy(template.get("metadata") or {})
        metadata["name"] = f"{template['metadata']['name']}-{name_of(owner)}-{ordinal}"
        metadata["namespace"] = namespace_of(owner)
        metadata["labels"] = {**(metadata.get("labels") or {}), **selector}
        metadata.pop("creationTimestamp", None)
        made.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": metadata,
                "spec": deep_copy(template["spec"]),
            }
        )
    return made


def status(owner: Object, own: Sequence[Object], current: str, update: str, now: datetime) -> Object:
    """The set's status; once every pod is of the update revision that is the current one."""
    min_ready = owner["spec"].get("minReadySeconds") or 0
    live = [pod for pod in own if not is_deleting(pod)]
    updated = sum(labels_of(pod).get(HASH_LABEL) == update for pod in live)
    ready = sum(pods.is_ready(pod) for pod in own)
    out: Object = {
        "observedGeneration": owner["metadata"].get("generation") or 0,
        "replicas": len(own),
        "readyReplicas": ready,
        "availableReplicas": sum(pods.is_available(pod, min_ready, now) for pod in own),
        "updatedReplicas": updated,
        "currentReplicas": sum(labels_of(pod).get(HASH_LABEL) == current for pod in live),
        "currentRevision": current,
        "updateRevision": update,
    }
    rolling = (owner["spec"].get("updateStrategy") or {}).get("type", "RollingUpdate") == "RollingUpdate"
    if rolling and updated == len(own) == ready == replicas_of(owner):
        out |= {"currentRevision": update, "currentReplicas": updated}
    out["collisionCount"] = (owner.get("status") or {}).get("collisionCount") or 0
    return out
