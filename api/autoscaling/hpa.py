"""HorizontalPodAutoscalers (autoscaling/v2, in which they are stored): defaults, rules, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.autoscaling.rules import SOURCES, validate_autoscaler_spec
from api.core.replicationcontroller import nonnegative
from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase
from api.table import AGE, NAME, NONE, UNKNOWN, UNSET, age
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Reference", description="What is scaled."),
    Column(name="Targets", description="Measured and wanted values."),
    Column(name="MinPods", description="The least number of pods."),
    Column(name="MaxPods", description="The largest number of pods."),
    Column(name="Replicas", description="How many pods there are."),
    AGE,
)
_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


class AutoscalerStrategy(StatusStrategyBase):
    """The autoscaler as v2 has it."""

    empty_status = {"desiredReplicas": 0, "currentMetrics": None}

    def default(self, obj: Object) -> None:
        """At least one pod, 80 % of the CPU, and scaling as fast as is usual."""
        spec = obj.setdefault("spec", {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0})
        spec.setdefault("minReplicas", 1)
        if not spec.get("metrics"):
            target = {"type": "Utilization", "averageUtilization": 80}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
        behavior = spec.get("behavior")
        if behavior is not None:
            for field, usual in (("scaleUp", _SCALE_UP), ("scaleDown", _SCALE_DOWN)):
                rules = behavior.setdefault(field, {})
                for key, value in usual.items():
                    rules.setdefault(key, [dict(item) for item in value] if isinstance(value, list) else value)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateHorizontalPodAutoscaler."""
        return validate_autoscaler_spec(obj["spec"])


class AutoscalerStatusStrategy(StatusStrategy):
    """horizontalpodautoscalers/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateHorizontalPodAutoscalerStatusUpdate."""
        return nonnegative(new.get("status") or {}, ("currentReplicas", "desiredReplicas"), "status")


def _target_text(metric: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    field = SOURCES.get(metric.get("type") or "", "")
    target = (metric.get(field) or {}).get("target") or {}
    measured = (current.get(field) or {}).get("current") or {}
    if field in ("resource", "containerResource"):
        if "averageValue" in target:
            return f"{measured.get('averageValue') or UNKNOWN}/{target['averageValue']}"
        share, wanted = measured.get("averageUtilization"), target.get("averageUtilization")
        shown = UNKNOWN if share is None else f"{share}%"
        return f"{shown}/{'<auto>' if wanted is None else f'{wanted}%'}"
    if field == "pods" or target.get("averageValue") is not None:
        suffix = "" if field == "pods" else " (avg)"
        return f"{measured.get('averageValue') or UNKNOWN}/{target.get('averageValue')}{suffix}"
    return f"{measured.get('value') or UNKNOWN}/{target.get('value')}"


def targets(spec: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """The column Targets: the first two metrics."""
    metrics, measured = spec.get("metrics") or (), status.get("currentMetrics") or ()
    if not metrics:
        return NONE
    listed = [_target_text(m, measured[i] if i < len(measured) else {}) for i, m in enumerate(metrics[:2])]
    more = f" + {len(metrics) - 2} more..." if len(metrics) > 2 else ""
    return ", ".join(listed) + more


def cells(autoscaler: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = autoscaler.get("spec") or {}, autoscaler.get("status") or {}
    reference, low = spec.get("scaleTargetRef") or {}, spec.get("minReplicas")
    return [
        autoscaler["metadata"].get("name"),
        f"{reference.get('kind') or ''}/{reference.get('name') or ''}",
        targets(spec, status),
        UNSET if low is None else str(low),
        spec.get("maxReplicas") or 0,
        status.get("currentReplicas") or 0,
        age(autoscaler, now),
    ]


AUTOSCALER = AutoscalerStrategy()
AUTOSCALER_STATUS = AutoscalerStatusStrategy(AUTOSCALER)
