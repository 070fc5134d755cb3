"""How many replicas each replica set of a deployment should have next. Pure.

A plan is a list of (replica set, new size); the controller writes the sizes and comes back when the pods have
followed. The arithmetic is that of pkg/controller/deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery.intorstring import scaled_value
from apimachinery.objects import Object, annotations_of, is_deleting
from controller.deployment.template import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    alive,
    by_creation,
    replicas_of,
    revision_of,
    status_of,
    total,
    total_status,
)


@dataclass(frozen=True, slots=True)
class Resize:
    """Give this replica set so many replicas."""

    replica_set: Object
    replicas: int


def is_rolling(deployment: Object) -> bool:
    """Whether old and new pods may run side by side."""
    return bool((deployment["spec"].get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def fenceposts(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods: percentages of surge rounded up, of unavailability down, never both 0."""
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    desired = replicas_of(deployment)
    surge = scaled_value(rolling.get("maxSurge", 0), desired, round_up=True)
    unavailable = scaled_value(rolling.get("maxUnavailable", 0), desired, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, unavailable


def max_surge(deployment: Object) -> int:
    """How many pods more than asked for there may be for a while."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many pods fewer than asked for may be available for a while."""
    desired = replicas_of(deployment)
    if not is_rolling(deployment) or desired == 0:
        return 0
    return min(fenceposts(deployment)[1], desired)


def max_total(deployment: Object) -> int:
    """The most pods at any time."""
    return replicas_of(deployment) + max_surge(deployment)


def new_size(deployment: Object, sets: Sequence[Object], new: Object | None) -> int:
    """The new replica set's next size while it grows: as far as the surge lets it."""
    desired, current = replicas_of(deployment), replicas_of(new)
    if not is_rolling(deployment):
        return desired
    room = max_total(deployment) - total(sets)
    if room <= 0:
        return current
    return current + min(room, desired - current)


def grow_new(deployment: Object, sets: Sequence[Object], new: Object) -> list[Resize]:
    """The new replica set towards what is asked for."""
    desired, current = replicas_of(deployment), replicas_of(new)
    if current == desired:
        return []
    size = desired if current > desired else new_size(deployment, sets, new)
    return [] if size == current else [Resize(new, size)]


def shrink_old(deployment: Object, old: Sequence[Object], new: Object) -> list[Resize]:
    """Old replica sets as far as enough pods stay available: first pods that do not work, then the oldest sets."""
    if total(old) == 0:
        return []
    minimum = replicas_of(deployment) - max_unavailable(deployment)
    new_unavailable = replicas_of(new) - status_of(new, "availableReplicas")
    removable = total([*old, new]) - minimum - new_unavailable
    if removable <= 0:
        return []
    sizes = {item["metadata"]["uid"]: replicas_of(item) for item in old}
    ordered = by_creation(old)
    for item in ordered:
        broken = replicas_of(item) - status_of(item, "availableReplicas")
        step = min(removable, max(broken, 0))
        sizes[item["metadata"]["uid"]] -= step
        removable -= step
    spare = total_status([*old, new], "availableReplicas") - minimum
    for item in ordered:
        if spare <= 0:
            break
        step = min(spare, sizes[item["metadata"]["uid"]])
        sizes[item["metadata"]["uid"]] -= step
        spare -= step
    return [
        Resize(item, sizes[item["metadata"]["uid"]])
        for item in ordered
        if sizes[item["metadata"]["uid"]] != replicas_of(item)
    ]


def shut_down(old: Sequence[Object]) -> list[Resize]:
    """All of them to nought."""
    return [Resize(item, 0) for item in old if replicas_of(item)]


def is_resized(deployment: Object, sets: Sequence[Object]) -> bool:
    """Whether the deployment's own size changed since the sets were sized."""
    desired = str(replicas_of(deployment))
    marks = (annotations_of(item).get(DESIRED_REPLICAS) for item in sets if replicas_of(item) > 0)
    return any(mark is not None and mark.isdigit() and mark != desired for mark in marks)


def resize(deployment: Object, new: Object | None, old: Sequence[Object]) -> list[Resize]:
    """A deployment that changed its size in the middle of a rollout: every set in proportion, so that the part of
    pods that is new stays what it was."""
    desired = replicas_of(deployment)
    alone = _active_or_latest(new, old)
    if alone is not None:
        return [Resize(alone, desired)]  # even where the size is right its annotations may not be
    if is_saturated(deployment, new):
        return shut_down(old)
    if not is_rolling(deployment):
        return []
    sets = [item for item in [*old, *([new] if new else [])] if replicas_of(item) > 0]
    allowed = max_total(deployment) if desired > 0 else 0
    to_add = allowed - total(sets)
    # The largest first; among equals the newer when growing, the older when shrinking.
    ordered = by_creation(sets)
    if to_add > 0:
        ordered.reverse()
    ordered.sort(key=replicas_of, reverse=True)
    sizes = []
    added = 0
    for item in ordered:
        step = _proportion(item, deployment, to_add, added)
        added += step
        sizes.append(replicas_of(item) + step)
    if sizes and to_add:
        sizes[0] = max(sizes[0] + to_add - added, 0)
    return [Resize(item, size) for item, size in zip(ordered, sizes, strict=True)]


def _active_or_latest(new: Object | None, old: Sequence[Object]) -> Object | None:
    """The only set with pods, or where there is none the newest; None where several have pods."""
    active = [item for item in [*([new] if new else []), *old] if replicas_of(item) > 0]
    if len(active) == 1:
        return active[0]
    if active:
        return None
    if new is not None:
        return new
    return by_creation(old)[-1] if old else None


def is_saturated(deployment: Object, new: Object | None) -> bool:
    """Whether the new set has all the pods asked for, and they are available."""
    if new is None:
        return False
    desired = replicas_of(deployment)
    mark = annotations_of(new).get(DESIRED_REPLICAS)
    return mark == str(desired) and replicas_of(new) == desired and status_of(new, "availableReplicas") == desired


def _proportion(item: Object, deployment: Object, to_add: int, added: int) -> int:
    if not replicas_of(item) or not to_add or to_add == added:
        return 0
    fraction = _fraction(item, deployment)
    left = to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(item: Object, deployment: Object) -> int:
    current = replicas_of(item)
    if replicas_of(deployment) == 0:
        return -current
    mark = annotations_of(item).get(MAX_REPLICAS, "")
    former = int(mark) if mark.isdigit() and int(mark) else status_of(deployment, "replicas")
    if former == 0:
        return 0
    # Rounded half away from zero, as Go's integer does.
    return (2 * current * max_total(deployment) + former) // (2 * former) - current


def superfluous(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """Old replica sets beyond the revision history limit, the lowest revisions first; only those without pods."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None:
        return []
    candidates = alive(old)
    count = len(candidates) - limit
    if count <= 0:
        return []
    ordered = sorted(by_creation(candidates), key=revision_of)
    return [item for item in ordered[:count] if _is_empty(item)]


def _is_empty(item: Object) -> bool:
    metadata = item["metadata"]
    seen = status_of(item, "observedGeneration") >= (metadata.get("generation") or 0)
    return seen and not status_of(item, "replicas") and not replicas_of(item) and not is_deleting(item)
