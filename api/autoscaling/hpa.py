"""HorizontalPodAutoscalers (autoscaling/v2, in which they are stored): defaults, rules, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.kind import Column
from api.strategies import StatusStrategy, StatusStrategyBase
from api.table import AGE, NAME, NONE, UNKNOWN, UNSET, age
from api.validation import names
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery import quantity
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
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SCALE_UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}
_POSITIVE = "must be positive"


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


def validate_autoscaler_spec(spec: Mapping[str, Any]) -> list[FieldError]:
    """The spec in v2's form."""
    errors: list[FieldError] = []
    low, high = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if low is not None and low < 1:
        errors.append(fe.invalid("spec.minReplicas", low, "must be greater than or equal to 1"))
    if high < 1:
        errors.append(fe.invalid("spec.maxReplicas", high, "must be greater than 0"))
    if low is not None and high < low:
        errors.append(fe.invalid("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
    errors += _validate_reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    for index, metric in enumerate(spec.get("metrics") or ()):
        errors += _validate_metric(metric, f"spec.metrics[{index}]")
    for field in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(field)
        if rules is not None:
            errors += _validate_rules(rules, f"spec.behavior.{field}")
    return errors


def _validate_reference(reference: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for field in ("kind", "name"):
        value = reference.get(field) or ""
        if not value:
            errors.append(fe.required(f"{path}.{field}"))
        errors.extend(fe.invalid(f"{path}.{field}", value, text) for text in names.path_segment_name(value))
    return errors


def _validate_metric(metric: Mapping[str, Any], path: str) -> list[FieldError]:
    kind = metric.get("type") or ""
    errors: list[FieldError] = []
    if not kind:
        errors.append(fe.required(f"{path}.type", "must specify a metric source type"))
    elif kind not in _SOURCES:
        errors.append(fe.not_supported(f"{path}.type", kind, tuple(_SOURCES)))
    present = [field for field in _SOURCES.values() if metric.get(field) is not None]
    if present:
        errors += _validate_source(present[0], metric[present[0]], f"{path}.{present[0]}")
    expected = _SOURCES.get(kind, "")
    if expected and expected not in present:
        text = "must populate information for the given metric source"
        errors.append(fe.required(f"{path}.{expected}", text))
    for field in present:
        if field != expected and (len(present) > 1 or expected):
            text = "must populate the given metric source only"
            errors.append(fe.forbidden(f"{path}.{field}", text))
    return errors


def _validate_source(kind: str, source: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    target = source.get("target") or {}
    if kind in ("resource", "containerResource"):
        if not source.get("name"):
            errors.append(fe.required(f"{path}.name", "must specify a resource name"))
        if kind == "containerResource" and not source.get("container"):
            errors.append(fe.required(f"{path}.container", "must specify a container"))
    else:
        identifier = source.get("metric") or {}
        name = identifier.get("name") or ""
        if not name:
            errors.append(fe.required(f"{path}.metric.name"))
        errors.extend(fe.invalid(f"{path}.metric.name", name, text) for text in names.path_segment_name(name))
        errors += validate_label_selector(identifier.get("selector"), f"{path}.metric.selector")
    if kind == "object":
        errors += _validate_reference(source.get("describedObject") or {}, f"{path}.describedObject")
    errors += _validate_target(target, f"{path}.target")
    return errors + _validate_choice(kind, target, f"{path}.target")


def _validate_target(target: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    kind = target.get("type") or ""
    if not kind:
        errors.append(fe.required(f"{path}.type", "must specify a metric target type"))
    elif kind not in ("Utilization", "Value", "AverageValue"):
        errors.append(fe.invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        errors.append(fe.invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
    for field in ("value", "averageValue"):
        text = target.get(field)
        if text is not None and quantity.parse(text).nanos <= 0:
            errors.append(fe.invalid(f"{path}.{field}", str(quantity.parse(text)), _POSITIVE))
    return errors


def _validate_choice(kind: str, target: Mapping[str, Any], path: str) -> list[FieldError]:
    """Each kind of source can be compared with some kinds of targets, one at a time."""
    share, value, average = (target.get(field) for field in ("averageUtilization", "value", "averageValue"))
    if kind in ("resource", "containerResource"):
        if share is not None and average is not None:
            text = "may not set both a target raw value and a target utilization"
            return [fe.forbidden(f"{path}.averageValue", text)]
        if share is None and average is None:
            text = "must set either a target raw value or a target utilization"
            return [fe.required(f"{path}.averageUtilization", text)]
    elif kind == "pods":
        if average is None:
            return [fe.required(f"{path}.averageValue", "must specify a positive target averageValue")]
    elif value is None and average is None:
        text = "must set either a target value for metric or a per-pod target"
        return [fe.required(f"{path}.averageValue", text)]
    elif kind == "external" and value is not None and average is not None:
        text = "may not set both a target value for metric and a per-pod target"
        return [fe.forbidden(f"{path}.value", text)]
    return []


def _validate_rules(rules: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    window, choice = rules.get("stabilizationWindowSeconds"), rules.get("selectPolicy")
    if window is not None and window < 0:
        field = f"{path}.stabilizationWindowSeconds"
        errors.append(fe.invalid(field, window, "must be greater than or equal to zero"))
    if window is not None and window > 3600:
        field = f"{path}.stabilizationWindowSeconds"
        errors.append(fe.invalid(field, window, "must be less than or equal to 3600"))
    if choice is not None and choice not in ("Disabled", "Max", "Min"):
        errors.append(fe.not_supported(f"{path}.selectPolicy", choice, ("Disabled", "Max", "Min")))
    policies = rules.get("policies") or ()
    if not policies:
        errors.append(fe.required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(policies):
        here, kind, period = f"{path}.policies[{index}]", policy.get("type") or "", policy.get("periodSeconds") or 0
        if kind not in ("Percent", "Pods"):
            errors.append(fe.not_supported(f"{here}.type", kind, ("Percent", "Pods")))
        if (policy.get("value") or 0) <= 0:
            errors.append(fe.invalid(f"{here}.value", policy.get("value") or 0, "must be greater than zero"))
        if period <= 0:
            errors.append(fe.invalid(f"{here}.periodSeconds", period, "must be greater than zero"))
        if period > 1800:
            errors.append(fe.invalid(f"{here}.periodSeconds", period, "must be less than or equal to 1800"))
    return errors


def _target_text(metric: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    field = _SOURCES.get(metric.get("type") or "", "")
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
AUTOSCALER_STATUS = StatusStrategy(AUTOSCALER)
