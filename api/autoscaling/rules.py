"""Rules of HorizontalPodAutoscalers (pkg/apis/autoscaling/validation), stated in terms of autoscaling/v2. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.core.resourcenames import validate_container_resource_name
from api.gosyntax import quantity_value
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery import quantity
from apimachinery.fielderrors import FieldError

#: The field of each type of metric, in the order in which they are looked at.
SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
_TARGETS = ("Utilization", "Value", "AverageValue")


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
    errors += _validate_metrics(spec.get("metrics") or (), low, "spec.metrics")
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


def _validate_metrics(metrics: Sequence[Mapping[str, Any]], low: int | None, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, metric in enumerate(metrics):
        errors += _validate_metric(metric, f"{path}[{index}]")
    if low == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(fe.forbidden(path, text))
    return errors


def _validate_metric(metric: Mapping[str, Any], path: str) -> list[FieldError]:
    kind = metric.get("type") or ""
    unknown = [] if kind in SOURCES else [fe.not_supported(f"{path}.type", kind, sorted(SOURCES))]
    errors: list[FieldError] = []
    if not kind:
        errors.append(fe.required(f"{path}.type", "must specify a metric source type"))
    errors += unknown
    present = [field for field in SOURCES.values() if metric.get(field) is not None]
    if present:
        errors += _validate_source(present[0], metric[present[0]], f"{path}.{present[0]}")
    expected = SOURCES.get(kind, "")
    if expected and expected not in present:
        text = "must populate information for the given metric source"
        errors.append(fe.required(f"{path}.{expected}", text))
    errors += unknown  # the reference looks at the type twice
    if len(present) > 1:
        text = "must populate the given metric source only"
        errors += [fe.forbidden(f"{path}.{field}", text) for field in present if field != expected]
    return errors


def _validate_source(kind: str, source: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if kind == "object":
        errors += _validate_reference(source.get("describedObject") or {}, f"{path}.describedObject")
    if kind in ("resource", "containerResource"):
        errors += _validate_resource(kind, source, path)
    else:
        errors += _validate_identifier(source.get("metric") or {}, f"{path}.metric")
    target = source.get("target") or {}
    return errors + _validate_target(target, f"{path}.target") + _validate_choice(kind, target, f"{path}.target")


def _validate_resource(kind: str, source: Mapping[str, Any], path: str) -> list[FieldError]:
    """Only of one container's resource the reference wants the name of a resource that there is."""
    name = source.get("name") or ""
    errors = [] if name else [fe.required(f"{path}.name", "must specify a resource name")]
    if kind == "resource":
        return errors
    if name:
        errors += validate_container_resource_name(name, f"{path}.name")
    container = source.get("container") or ""
    if not container:
        errors.append(fe.required(f"{path}.container", "must specify a container"))
    else:
        errors += [fe.invalid(f"{path}.container", container, text) for text in names.dns1123_label(container)]
    return errors


def _validate_identifier(identifier: Mapping[str, Any], path: str) -> list[FieldError]:
    name = identifier.get("name") or ""
    if not name:
        return [fe.required(f"{path}.name", "must specify a metric name")]
    return [fe.invalid(f"{path}.name", name, text) for text in names.path_segment_name(name)]


def _validate_target(target: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    kind = target.get("type") or ""
    if not kind:
        errors.append(fe.required(f"{path}.type", "must specify a metric target type"))
    if kind not in _TARGETS:
        errors.append(fe.invalid(f"{path}.type", kind, "must be either Utilization, Value, or AverageValue"))
    for field in ("value", "averageValue"):
        text = target.get(field)
        if text is not None and (amount := quantity.parse(text)).nanos <= 0:
            errors.append(fe.invalid(f"{path}.{field}", quantity_value(amount), "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        errors.append(fe.invalid(f"{path}.averageUtilization", share, "must be greater than 0"))
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
        return [fe.required(f"{path}.averageValue", _NO_TARGET[kind])]
    elif kind == "external" and value is not None and average is not None:
        text = "may not set both a target value for metric and a per-pod target"
        return [fe.forbidden(f"{path}.value", text)]
    return []


_NO_TARGET = {
    "object": "must set either a target value or averageValue",
    "external": "must set either a target value for metric or a per-pod target",
}


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
