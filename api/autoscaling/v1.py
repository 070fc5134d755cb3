"""HorizontalPodAutoscalers as autoscaling/v1 shows them: one CPU target as a field, all else in annotations. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from api.autoscaling import hpa
from api.autoscaling.rules import validate_autoscaler_spec
from api.autoscaling.v1behavior import behavior_to_v1, behavior_to_v2, condition_to_v2
from api.autoscaling.v1metrics import current_to_v1, current_to_v2, metric_to_v1, metric_to_v2
from api.strategies import StatusStrategyBase
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, BEHAVIOR = _PREFIX + "metrics", _PREFIX + "behavior"
CONDITIONS, CURRENT = _PREFIX + "conditions", _PREFIX + "current-metrics"
_DEFAULT_SHARE = 80
Convert = Callable[[Mapping[str, Any]], dict[str, Any]]


class AutoscalerV1Strategy(StatusStrategyBase):
    """The autoscaler as v1 has it; its rules are v2's."""

    empty_status = {"currentReplicas": 0, "desiredReplicas": 0}

    def default(self, obj: Object) -> None:
        """At least one pod; 80 % of the CPU where no metric is given."""
        spec = obj.setdefault("spec", {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0})
        spec.setdefault("minReplicas", 1)
        if "targetCPUUtilizationPercentage" not in spec and not _load_list(annotations_of(obj), METRICS, metric_to_v2):
            spec["targetCPUUtilizationPercentage"] = _DEFAULT_SHARE

    def validate(self, obj: Object) -> list[FieldError]:
        """Those of v2."""
        return validate_autoscaler_spec(to_v2(obj)["spec"])


def _load(annotations: Mapping[str, str], key: str) -> Any:
    try:
        return orjson.loads(annotations[key]) if annotations.get(key) else None
    except orjson.JSONDecodeError:
        return None


def _load_list(annotations: Mapping[str, str], key: str, convert: Convert) -> list[dict[str, Any]]:
    """What an annotation holds; as for the reference, one that cannot be read holds nothing."""
    found = _load(annotations, key)
    try:
        return [convert(item) for item in found] if isinstance(found, list) else []
    except ValueError:
        return []


def _cpu_metric(share: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def to_v2(obj: Object) -> Object:
    """The stored form of a v1 object."""
    annotations = dict(annotations_of(obj))
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    share = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = _load_list(annotations, METRICS, metric_to_v2)
    if share is not None:
        metrics.append(_cpu_metric(share))
    if metrics:
        spec["metrics"] = metrics
    if behavior := behavior_to_v2(_load(annotations, BEHAVIOR)):
        spec["behavior"] = behavior
    new_status: dict[str, Any] = {k: v for k, v in status.items() if k != "currentCPUUtilizationPercentage"}
    measured = _load_list(annotations, CURRENT, current_to_v2)
    share = status.get("currentCPUUtilizationPercentage")
    if share is not None and not measured:
        measured = [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": share}}}]
    new_status["currentMetrics"] = measured or None
    new_status.setdefault("desiredReplicas", 0)
    if not new_status.get("currentReplicas"):
        new_status.pop("currentReplicas", None)
    if conditions := _load_list(annotations, CONDITIONS, condition_to_v2):
        new_status["conditions"] = conditions
    rest = {k: v for k, v in annotations.items() if k not in (METRICS, BEHAVIOR, CONDITIONS, CURRENT)}
    return _rebuilt(obj, "autoscaling/v2", rest, spec, new_status)


def from_v2(obj: Object) -> Object:
    """A stored object as v1 shows it."""
    annotations = dict(annotations_of(obj))
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    others = []
    for metric in spec.pop("metrics", None) or ():
        resource = metric.get("resource") or {}
        share = (resource.get("target") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and share is not None:
            spec.setdefault("targetCPUUtilizationPercentage", share)
        else:
            others.append(metric_to_v1(metric))
    if others:
        annotations[METRICS] = orjson.dumps(others).decode()
    if (behavior := spec.pop("behavior", None)) is not None:
        annotations[BEHAVIOR] = orjson.dumps(behavior_to_v1(behavior)).decode()
    measured = status.pop("currentMetrics", None) or []
    for metric in measured:
        resource = metric.get("resource") or {}
        share = (resource.get("current") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and share is not None:
            status["currentCPUUtilizationPercentage"] = share
    if measured:
        annotations[CURRENT] = orjson.dumps([current_to_v1(metric) for metric in measured]).decode()
    if conditions := status.pop("conditions", None):
        annotations[CONDITIONS] = orjson.dumps(conditions).decode()
    for field in ("currentReplicas", "desiredReplicas"):
        status.setdefault(field, 0)
    return _rebuilt(obj, "autoscaling/v1", annotations, spec, status)


def _rebuilt(
    obj: Object, version: str, annotations: dict[str, str], spec: dict[str, Any], status: dict[str, Any]
) -> Object:
    meta = {**(obj.get("metadata") or {}), "annotations": annotations}
    if not annotations:
        del meta["annotations"]
    return {**obj, "apiVersion": version, "metadata": meta, "spec": spec, "status": status}


def cells(autoscaler: Object, now: datetime) -> list[Any]:
    """One row, the same as v2's."""
    return hpa.cells(to_v2(autoscaler), now)


AUTOSCALER_V1 = AutoscalerV1Strategy()
AUTOSCALER_V1_STATUS = hpa.AutoscalerStatusStrategy(AUTOSCALER_V1)
