"""When a pod must leave a node with NoExecute taints. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from api.placement.tolerations import NO_EXECUTE, tolerates
from apimachinery.objects import Object, parse_time


def eviction_time(pod: Object, taints: Sequence[dict[str, Any]], now: datetime) -> datetime | None:
    """When the pod is to be deleted (`now` or earlier: at once); None: it may stay.

    The clock of a toleration runs from when the taint was added, so that a restart of this process grants no more."""
    executing = [taint for taint in taints if taint["effect"] == NO_EXECUTE]
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
