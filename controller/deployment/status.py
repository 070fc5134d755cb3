"""A deployment's status: counts, and whether it is available, progressing or stuck. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apimachinery.objects import Object, format_time, name_of, parse_time
from controller.conditions import find, without
from controller.deployment.plan import max_unavailable
from controller.deployment.template import replicas_of, status_of, total, total_status

PROGRESSING, AVAILABLE, REPLICA_FAILURE = "Progressing", "Available", "ReplicaFailure"
NEW_SET_AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1


def condition(type: str, status: str, reason: str, message: str, now: datetime) -> Object:
    """A new condition."""
    moment = format_time(now)
    return {
        "type": type,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
    }


def set_condition(conditions: Sequence[Object] | None, wanted: Object) -> list[Object]:
    """`wanted` in place of any of its type; unchanged where status and reason are the same already."""
    old = find(conditions, wanted["type"])
    if old is not None and old.get("status") == wanted["status"]:
        if old.get("reason") == wanted["reason"]:
            return list(conditions or ())
        wanted = {**wanted, "lastTransitionTime": old.get("lastTransitionTime")}
    return [*without(conditions, wanted["type"]), wanted]


def deadline_of(deployment: Object) -> int | None:
    """progressDeadlineSeconds, None for none."""
    value = deployment["spec"].get("progressDeadlineSeconds")
    return None if value is None or value == _NO_DEADLINE else value


def counts(deployment: Object, sets: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status from the replica sets; the conditions but for Available are the old ones."""
    available = total_status(sets, "availableReplicas")
    old = deployment.get("status") or {}
    status: Object = {
        "observedGeneration": deployment["metadata"].get("generation") or 0,
        "replicas": total_status(sets, "replicas"),
        "updatedReplicas": status_of(new, "replicas"),
        "readyReplicas": total_status(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total(sets) - available, 0),
    }
    if old.get("collisionCount") is not None:
        status["collisionCount"] = old["collisionCount"]
    if available >= replicas_of(deployment) - max_unavailable(deployment):
        found = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        found = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    status["conditions"] = set_condition(old.get("conditions"), condition(AVAILABLE, *found, now))
    return status


def rollout(deployment: Object, sets: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status while pods are rolled out: `counts`, and how the rollout goes."""
    status = counts(deployment, sets, new, now)
    conditions: list[Object] = status["conditions"]
    current = find(conditions, PROGRESSING)
    if deadline_of(deployment) is None:
        conditions = without(conditions, PROGRESSING)
    elif not _was_complete(status, current):
        conditions = _progress(deployment, status, conditions, new, now)
    failure = _failure(sets, new)
    if failure is None:
        conditions = without(conditions, REPLICA_FAILURE)
    else:
        conditions = set_condition(conditions, failure)
    return {**status, "conditions": conditions}


def _was_complete(status: Object, current: Object | None) -> bool:
    same = status["replicas"] == status["updatedReplicas"]
    return same and current is not None and current.get("reason") == NEW_SET_AVAILABLE


def _progress(
    deployment: Object, status: Object, conditions: list[Object], new: Object | None, now: datetime
) -> list[Object]:
    subject = f'ReplicaSet "{name_of(new)}"' if new is not None else f'Deployment "{name_of(deployment)}"'
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        return set_condition(conditions, condition(PROGRESSING, "True", NEW_SET_AVAILABLE, message, now))
    if made_progress(deployment, status):
        wanted = condition(PROGRESSING, "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        current = find(conditions, PROGRESSING)
        if current is not None and current.get("status") == "True":
            wanted["lastTransitionTime"] = current.get("lastTransitionTime")
        # Set anew even where nothing else changes: its lastUpdateTime is what the deadline counts from.
        return [*without(conditions, PROGRESSING), wanted]
    if timed_out(deployment, status, now):
        message = f"{subject} has timed out progressing."
        return set_condition(conditions, condition(PROGRESSING, "False", TIMED_OUT, message, now))
    return conditions


def is_complete(deployment: Object, status: Object) -> bool:
    """Whether all pods are of the new template and available, and no others are left."""
    desired = replicas_of(deployment)
    return bool(
        status["updatedReplicas"] == desired
        and status["replicas"] == desired
        and status["availableReplicas"] == desired
        and status["observedGeneration"] >= (deployment["metadata"].get("generation") or 0)
    )


def made_progress(deployment: Object, status: Object) -> bool:
    """Whether the counts moved since the last status: more new pods, fewer old ones, more ready or available."""
    old_count = status_of(deployment, "replicas") - status_of(deployment, "updatedReplicas")
    return bool(
        status["updatedReplicas"] > status_of(deployment, "updatedReplicas")
        or status["replicas"] - status["updatedReplicas"] < old_count
        or status["readyReplicas"] > status_of(deployment, "readyReplicas")
        or status["availableReplicas"] > status_of(deployment, "availableReplicas")
    )


def timed_out(deployment: Object, status: Object, now: datetime) -> bool:
    """Whether nothing moved for the progress deadline."""
    current = find(status["conditions"], PROGRESSING)
    deadline = deadline_of(deployment)
    if current is None or deadline is None or current.get("reason") == NEW_SET_AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    return parse_time(current["lastUpdateTime"]) + timedelta(seconds=deadline) < now


def recheck_after(deployment: Object, status: Object, now: datetime) -> float | None:
    """In how many seconds the deadline is over, None where nothing runs against it."""
    current = find(status["conditions"], PROGRESSING)
    deadline = deadline_of(deployment)
    if current is None or deadline is None or is_complete(deployment, status) or current.get("reason") == TIMED_OUT:
        return None
    left = (parse_time(current["lastUpdateTime"]) + timedelta(seconds=deadline) - now).total_seconds()
    # One second more, as times in the API are whole seconds.
    return max(left, 0.0) + 1.0


def paused_condition(deployment: Object, now: datetime) -> Object | None:
    """The Progressing condition of a deployment that has just been paused or resumed; None: as it is."""
    if deadline_of(deployment) is None:
        return None
    current = find((deployment.get("status") or {}).get("conditions"), PROGRESSING)
    reason = current.get("reason") if current is not None else None
    if reason == TIMED_OUT:
        return None
    paused = bool(deployment["spec"].get("paused"))
    if paused and reason != PAUSED:
        return condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
    if not paused and reason == PAUSED:
        return condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
    return None


def _failure(sets: Sequence[Object], new: Object | None) -> Object | None:
    """Why a replica set cannot make its pods: the new one's trouble first."""
    for item in [*([new] if new is not None else []), *sets]:
        found = find((item.get("status") or {}).get("conditions"), REPLICA_FAILURE)
        if found is not None:
            return {"lastUpdateTime": found.get("lastTransitionTime"), **found}
    return None


def same(old: Object | None, new: Object) -> bool:
    """Whether writing `new` would change nothing; counts of nought may be absent."""
    have = {key: value for key, value in (old or {}).items() if value not in (0, None, [])}
    return have == {key: value for key, value in new.items() if value not in (0, None, [])}
