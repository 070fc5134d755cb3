"""When a pod must leave a node with NoExecute taints. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from apimachinery.objects import Object, parse_time


def tolerates(toleration: dict[str, Any], taint: dict[str, Any]) -> bool:
    """ToleratesTaint of k8s.io/api/core/v1."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool((toleration.get("value") or "") == (taint.get("value") or "")) and bool(toleration.get("key"))


def eviction_time(pod: Object, taints: Sequence[dict[str, Any]], now: datetime) -> datetime | None:
    """When the pod is to be deleted (`now` or earlier: at once); None: it may stay.

    The clock of a toleration runs from when the taint was added, so that a restart of this process grants no more."""
    executing = [taint for taint in taints if taint["effect"] == "NoExecute"]
    deadlines: list[datetime] = []
    for taint in executing:
        fitting = [t for t in (pod.get("spec") or {}).get("tolerations") or () if tolerates(t, taint)]
        if not fitting:
            return now
        limits = [t["tolerationSeconds"] for t in fitting if t.get("tolerationSeconds") is not None]
        if limits:
            start = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else now
            deadlines.append(start + timedelta(seconds=max(min(limits), 0)))
    return min(deadlines, default=None)
