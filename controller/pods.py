"""What controllers ask of pods, and the pods they make from templates. Pure."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from apimachinery.objects import Object, deep_copy, is_deleting, parse_time
from controller.conditions import condition_of

_MAX_PREFIX = 57
_MAX_DELETION_COST = 2**31 - 1
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def is_ready(pod: Object) -> bool:
    """Whether the Ready condition is True."""
    ready = condition_of(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def is_available(pod: Object, min_ready_seconds: int, now: datetime) -> bool:
    """Whether the pod has been ready for so long."""
    ready = condition_of(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return False
    if not min_ready_seconds:
        return True
    since: str = ready.get("lastTransitionTime") or ""
    return bool(since) and parse_time(since) + timedelta(seconds=min_ready_seconds) <= now


def phase(pod: Object) -> str:
    """The pod's phase, "Pending" where it has no status yet."""
    return (pod.get("status") or {}).get("phase") or "Pending"


def is_finished(pod: Object) -> bool:
    """Whether the pod has run to its end."""
    return phase(pod) in ("Succeeded", "Failed")


def is_active(pod: Object) -> bool:
    """Whether the pod runs, or will: neither ended nor on its way out."""
    return not is_finished(pod) and not is_deleting(pod)


def active(pods: Iterable[Object]) -> list[Object]:
    """The active ones."""
    return [pod for pod in pods if is_active(pod)]


def from_template(template: Object, owner_name: str, namespace: str, reference: dict[str, Any]) -> Object:
    """The pod that a PodTemplateSpec describes, controlled by `reference`."""
    metadata = template.get("metadata") or {}
    made: Object = {
        "generateName": f"{owner_name[:_MAX_PREFIX]}-",
        "namespace": namespace,
        "ownerReferences": [reference],
    }
    for key in ("labels", "annotations", "finalizers"):
        if metadata.get(key):
            made[key] = copy.copy(metadata[key])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": deep_copy(template.get("spec") or {})}


def deletion_cost(pod: Object) -> int:
    """The annotation by which users say which pod to keep; 0 where it is absent or no 32-bit integer."""
    text = ((pod.get("metadata") or {}).get("annotations") or {}).get(_DELETION_COST, "0")
    try:
        cost = int(text)
    except ValueError:
        return 0
    # The reference takes no leading "+" or zeros.
    return cost if str(cost) == text and abs(cost) <= _MAX_DELETION_COST else 0


def restarts(pod: Object) -> int:
    """The restarts of the container that restarted most."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((status.get("restartCount") or 0 for status in statuses), default=0)
