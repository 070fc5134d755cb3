"""A disruption budget's status from its pods and the sizes of their controllers. Pure (pkg/controller/disruption)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apimachinery.intorstring import scaled_value
from apimachinery.objects import Object, format_time, is_deleting, name_of, parse_time
from controller import pods
from controller.conditions import with_condition

#: How long an eviction that the API server granted counts although the pod shows no sign of it.
_EVICTION_SECONDS = 120


def needs_sizes(budget: Object) -> bool:
    """Whether the budget is about a part of what controllers ask for, rather than a number of pods."""
    spec = budget["spec"]
    return spec.get("maxUnavailable") is not None or isinstance(spec.get("minAvailable"), str)


def status(budget: Object, own: Sequence[Object], asked: int | None, now: datetime) -> Object:
    """The status; `own`: the pods that the budget selects, `asked`: what their controllers ask for together (None:
    cannot be told, then nothing may be disrupted)."""
    spec, old = budget["spec"], budget.get("status") or {}
    live = [pod for pod in own if not pods.is_finished(pod)]
    disrupted = {
        name: since
        for name, since in (old.get("disruptedPods") or {}).items()
        if _is_pending(next((pod for pod in live if name_of(pod) == name), None), since, now)
    }
    healthy = sum(pods.is_ready(pod) and not is_deleting(pod) and name_of(pod) not in disrupted for pod in live)
    expected, desired = _wanted(spec, len(live), asked)
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    out: Object = {
        "observedGeneration": budget["metadata"].get("generation") or 0,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
    }
    if disrupted:
        out["disruptedPods"] = disrupted
    out["conditions"] = with_condition(old.get("conditions"), _condition(budget, allowed, asked, now))
    return out


def _wanted(spec: Object, count: int, asked: int | None) -> tuple[int, int]:
    """(pods expected, healthy ones desired)."""
    if spec.get("maxUnavailable") is not None:
        if asked is None:
            return count, count
        return asked, max(asked - scaled_value(spec["maxUnavailable"], asked, round_up=True), 0)
    minimum = spec.get("minAvailable", 0)
    if isinstance(minimum, int):
        return count, minimum
    if asked is None:
        return count, count
    return asked, scaled_value(minimum, asked, round_up=True)


def _is_pending(pod: Object | None, since: str, now: datetime) -> bool:
    if pod is None or is_deleting(pod):
        return False
    return now - parse_time(since) < timedelta(seconds=_EVICTION_SECONDS)


def _condition(budget: Object, allowed: int, asked: int | None, now: datetime) -> Object:
    if asked is None:
        value, reason, message = "False", "SyncFailed", "found no controller ref for a pod"
    elif allowed:
        value, reason, message = "True", "SufficientPods", ""
    else:
        value, reason, message = "False", "InsufficientPods", ""
    return {
        "type": "DisruptionAllowed",
        "status": value,
        "reason": reason,
        "message": message,
        "observedGeneration": budget["metadata"].get("generation") or 0,
        "lastTransitionTime": format_time(now),
    }
