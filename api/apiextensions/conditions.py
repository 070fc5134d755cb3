"""The conditions in a CustomResourceDefinition's status, and the finalizer under which its objects go. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apimachinery.objects import Object, format_time

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of that type; empty where there is none."""
    return next((each for each in status.get("conditions") or () if each.get("type") == kind), {})


def is_true(obj: Object, kind: str) -> bool:
    """Whether the definition's condition is True."""
    return condition(obj.get("status") or {}, kind).get("status") == "True"


def with_condition(status: Object, kind: str, value: str, reason: str, message: str, now: datetime) -> Object:
    """The status with this condition; the time of transition moves with the condition's status only."""
    present = condition(status, kind)
    moved = present.get("lastTransitionTime") if present.get("status") == value else format_time(now)
    made = {"type": kind, "status": value, "lastTransitionTime": moved, "reason": reason, "message": message}
    conditions = list(status.get("conditions") or ())
    if present:
        conditions[conditions.index(present)] = made
    else:
        conditions.append(made)
    return {**status, "conditions": conditions}
