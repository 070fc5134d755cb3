"""How many pods to create, or which to delete, for one replica set. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, parse_time, uid_of
from controller import pods
from controller.conditions import condition_of

#: The most pods created or deleted in one go.
BURST_REPLICAS = 500
SLOW_START_INITIAL = 1
_PHASE_RANK = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about the difference."""

    create: int = 0
    delete: tuple[Object, ...] = ()


def plan(replicas: int, active: Sequence[Object], related: Iterable[Object], now: datetime) -> Plan:
    """Bring `active` (the set's own active pods) to `replicas`; `related` are the active pods of all sets with the
    same owner: where several share a node, one of those goes first."""
    difference = len(active) - replicas
    if difference < 0:
        return Plan(create=min(-difference, BURST_REPLICAS))
    if difference == 0:
        return Plan()
    count = min(difference, BURST_REPLICAS)
    if count == len(active):
        return Plan(delete=tuple(active))
    return Plan(delete=tuple(ranked(active, related, now)[:count]))


def ranked(active: Iterable[Object], related: Iterable[Object], now: datetime) -> list[Object]:
    """The pods in the order in which they go, the least useful first (pkg/controller's ActivePodsWithRanks)."""
    on_node = Counter(node_of(pod) for pod in related if pods.is_active(pod))
    return sorted(active, key=lambda pod: _usefulness(pod, on_node[node_of(pod)], now))


def node_of(pod: Object) -> str:
    """The pod's node, "" for none."""
    return (pod.get("spec") or {}).get("nodeName") or ""


def _usefulness(pod: Object, doubled: int, now: datetime) -> tuple[Any, ...]:
    ready = pods.is_ready(pod)
    ready_since = (condition_of(pod, "Ready") or {}).get("lastTransitionTime") if ready else None
    return (
        bool(node_of(pod)),
        _PHASE_RANK.get(pods.phase(pod), 1),
        ready,
        pods.deletion_cost(pod),
        -doubled,
        _age_class(ready_since, now) if ready else 0,
        -pods.restarts(pod),
        _age_class((pod.get("metadata") or {}).get("creationTimestamp"), now),
        uid_of(pod),
    )


def _age_class(moment: str | None, now: datetime) -> int:
    """Ages by powers of two, so that among pods of about the same age chance (the uid) decides; none: the youngest."""
    if not moment:
        return -1
    seconds = (now - parse_time(moment)).total_seconds()
    return int(math.log2(seconds)) if seconds >= 1 else 0


def batches(count: int) -> list[int]:
    """Sizes of the batches in which `count` pods are created: 1, 2, 4, ..., so that what fails fails once, not
    500 times."""
    out = []
    size = SLOW_START_INITIAL
    while count > 0:
        size = min(size, count)
        out.append(size)
        count -= size
        size *= 2
    return out
