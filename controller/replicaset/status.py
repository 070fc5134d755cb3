"""The status of a replica set (or replication controller) from its pods. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from apimachinery.objects import Object, format_time, labels_of
from controller import pods
from controller.conditions import find, with_condition, without

REPLICA_FAILURE = "ReplicaFailure"


def status(owner: Object, own: Sequence[Object], failure: str, now: datetime, *, difference: int) -> Object:
    """The status to write. `failure`: the text of what went wrong while pods were created or deleted, "" for nothing;
    `difference`: pods there less pods wanted, before."""
    spec = owner.get("spec") or {}
    old = owner.get("status") or {}
    template_labels: Mapping[str, str] = labels_of(spec.get("template") or {})
    min_ready = spec.get("minReadySeconds") or 0
    new: Object = {
        "replicas": len(own),
        "fullyLabeledReplicas": sum(1 for pod in own if template_labels.items() <= labels_of(pod).items()),
        "readyReplicas": sum(1 for pod in own if pods.is_ready(pod)),
        "availableReplicas": sum(1 for pod in own if pods.is_available(pod, min_ready, now)),
        "observedGeneration": (owner.get("metadata") or {}).get("generation") or 0,
    }
    conditions = _conditions(old.get("conditions"), failure, difference, now)
    return {key: value for key, value in new.items() if value or key == "replicas"} | (
        {"conditions": conditions} if conditions else {}
    )


def _conditions(old: Sequence[Object] | None, failure: str, difference: int, now: datetime) -> list[Object]:
    if not failure:
        return without(old, REPLICA_FAILURE)
    if find(old, REPLICA_FAILURE) is not None:
        return list(old or ())
    reason = "FailedCreate" if difference < 0 else "FailedDelete"
    wanted = {
        "type": REPLICA_FAILURE,
        "status": "True",
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": failure,
    }
    return with_condition(old, wanted)


def same(old: Object | None, new: Object) -> bool:
    """Whether writing `new` would change nothing; counts of nought may be absent."""
    have = {key: value for key, value in (old or {}).items() if value not in (0, None, [], {})}
    want = {key: value for key, value in new.items() if value not in (0, None, [], {})}
    return have == want
