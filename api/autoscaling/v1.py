"""HorizontalPodAutoscalers as autoscaling/v1 shows them: one CPU target as a field, all else in annotations. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from api.autoscaling import hpa
from api.autoscaling.rules import validate_autoscaler_spec
from api.strategies import StatusStrategyBase
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, annotations_of

_PREFIX = "autoscaling.alpha.kubernetes.io/"
METRICS, BEHAVIOR = _PREFIX + "metrics", _PREFIX + "behavior"
CONDITIONS, CURRENT = _PREFIX + "conditions", _PREFIX + "current-metrics"
_DEFAULT_SHARE = 80


class AutoscalerV1Strategy(StatusStrategyBase):
    """The autoscaler as v1 has it; its rules are v2's."""

    empty_status = {"currentReplicas": 0, "desiredReplicas": 0}

    def default(self, obj: Object) -> None:
        """At least one pod; 80 % of the CPU where no metric is given."""
        spec = obj.setdefault("spec", {"scaleTargetRef": {"kind": "", "name": ""}, "maxReplicas": 0})
        spec.setdefault("minReplicas", 1)
        if "targetCPUUtilizationPercentage" not in spec and METRICS not in annotations_of(obj):
            spec["targetCPUUtilizationPercentage"] = _DEFAULT_SHARE

    def validate(self, obj: Object) -> list[FieldError]:
        """Those of v2."""
        return validate_autoscaler_spec(to_v2(obj)["spec"])


def _load(annotations: Mapping[str, str], key: str) -> Any:
    try:
        return orjson.loads(annotations[key]) if annotations.get(key) else None
    except orjson.JSONDecodeError:
        return None


def _cpu_metric(share: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def to_v2(obj: Object) -> Object:
    """The stored form of a v1 object."""
    annotations = dict(annotations_of(obj))
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    share = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_metric_to_v2(metric) for metric in _load(annotations, METRICS) or ()]
    if share is not None:
        metrics.insert(0, _cpu_metric(share))
    if metrics:
        spec["metrics"] = metrics
    if (behavior := _load(annotations, BEHAVIOR)) is not None:
        spec["behavior"] = behavior
    new_status: dict[str, Any] = {k: v for k, v in status.items() if k != "currentCPUUtilizationPercentage"}
    measured = [_current_to_v2(metric) for metric in _load(annotations, CURRENT) or ()]
    if (share := status.get("currentCPUUtilizationPercentage")) is not None:
        current = {"averageUtilization": share}
        measured = [m for m in measured if (m.get("resource") or {}).get("name") != "cpu"]
        measured.insert(0, {"type": "Resource", "resource": {"name": "cpu", "current": current}})
    new_status["currentMetrics"] = measured or None
    new_status.setdefault("desiredReplicas", 0)
    if not new_status.get("currentReplicas"):
        new_status.pop("currentReplicas", None)
    if (conditions := _load(annotations, CONDITIONS)) is not None:
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
        if resource.get("name") == "cpu" and share is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = share
        else:
            others.append(_metric_to_v1(metric))
    if others:
        annotations[METRICS] = orjson.dumps(others).decode()
    if (behavior := spec.pop("behavior", None)) is not None:
        annotations[BEHAVIOR] = orjson.dumps(behavior).decode()
    measured = status.pop("currentMetrics", None) or []
    for metric in measured:
        resource = metric.get("resource") or {}
        share = (resource.get("current") or {}).get("averageUtilization")
        if resource.get("name") == "cpu" and share is not None:
            status["currentCPUUtilizationPercentage"] = share
    if measured:
        annotations[CURRENT] = orjson.dumps([_current_to_v1(metric) for metric in measured]).decode()
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


#: What a target or measurement of each kind is called in v1.
_TARGETS = {
    "resource": {"averageUtilization": "targetAverageUtilization", "averageValue": "targetAverageValue"},
    "containerResource": {"averageUtilization": "targetAverageUtilization", "averageValue": "targetAverageValue"},
    "pods": {"averageValue": "targetAverageValue"},
    "object": {"value": "targetValue", "averageValue": "averageValue"},
    "external": {"value": "targetValue", "averageValue": "targetAverageValue"},
}
_MEASURED = {
    "resource": {"averageUtilization": "currentAverageUtilization", "averageValue": "currentAverageValue"},
    "containerResource": {"averageUtilization": "currentAverageUtilization", "averageValue": "currentAverageValue"},
    "pods": {"averageValue": "currentAverageValue"},
    "object": {"value": "currentValue", "averageValue": "averageValue"},
    "external": {"value": "currentValue", "averageValue": "currentAverageValue"},
}
_SELECTOR = {"pods": "selector", "object": "selector", "external": "metricSelector"}


def _flatten(metric: Mapping[str, Any], field: str, table: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    out: dict[str, Any] = {"type": metric.get("type")}
    for kind, renamed in table.items():
        source = metric.get(kind)
        if source is None:
            continue
        flat = {key: source[key] for key in ("name", "container") if key in source}
        if kind in _SELECTOR:
            identifier = source.get("metric") or {}
            flat["metricName"] = identifier.get("name")
            if "selector" in identifier:
                flat[_SELECTOR[kind]] = identifier["selector"]
        if "describedObject" in source:
            flat["target"] = source["describedObject"]
        flat |= {renamed[key]: value for key, value in (source.get(field) or {}).items() if key in renamed}
        out[kind] = flat
    return out


def _unflatten(metric: Mapping[str, Any], field: str, table: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    out: dict[str, Any] = {"type": metric.get("type")}
    for kind, renamed in table.items():
        flat = metric.get(kind)
        if flat is None:
            continue
        source: dict[str, Any] = {key: flat[key] for key in ("name", "container") if key in flat}
        if kind in _SELECTOR:
            source["metric"] = {"name": flat.get("metricName")}
            if _SELECTOR[kind] in flat:
                source["metric"]["selector"] = flat[_SELECTOR[kind]]
        if "target" in flat:
            source["describedObject"] = flat["target"]
        values = {key: flat[old] for key, old in renamed.items() if old in flat}
        if field == "target":
            values["type"] = _target_type(values)
        source[field] = values
        out[kind] = source
    return out


def _target_type(values: Mapping[str, Any]) -> str:
    if "averageUtilization" in values:
        return "Utilization"
    return "AverageValue" if "averageValue" in values else "Value"


def _metric_to_v1(metric: Mapping[str, Any]) -> dict[str, Any]:
    return _flatten(metric, "target", _TARGETS)


def _metric_to_v2(metric: Mapping[str, Any]) -> dict[str, Any]:
    return _unflatten(metric, "target", _TARGETS)


def _current_to_v1(metric: Mapping[str, Any]) -> dict[str, Any]:
    return _flatten(metric, "current", _MEASURED)


def _current_to_v2(metric: Mapping[str, Any]) -> dict[str, Any]:
    return _unflatten(metric, "current", _MEASURED)


def cells(autoscaler: Object, now: datetime) -> list[Any]:
    """One row, the same as v2's."""
    return hpa.cells(to_v2(autoscaler), now)


AUTOSCALER_V1 = AutoscalerV1Strategy()
AUTOSCALER_V1_STATUS = hpa.AutoscalerStatusStrategy(AUTOSCALER_V1)
