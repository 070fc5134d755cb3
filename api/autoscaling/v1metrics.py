"""Metrics of HorizontalPodAutoscalers in the flat form of autoscaling/v1, in which annotations hold them. Pure.

Fields come in the order in which Go writes them, and those that are no pointers are always there
(pkg/apis/autoscaling/v1/conversion.go)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apimachinery import quantity


def is_whole(value: Any) -> bool:
    """An integer, as JSON has it."""
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_quantity(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        quantity.parse(value)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of v1, where v2 has it, what its values are, and what stands there for none (None: no field)."""

    name: str
    path: tuple[str, ...]
    fits: Callable[[Any], bool]
    absent: str | None = None


_NAME = _Field("name", ("name",), _is_text, "")
_METRIC = _Field("metricName", ("metric", "name"), _is_text, "")
_SELECTOR = _Field("selector", ("metric", "selector"), _is_object)
_METRIC_SELECTOR = _Field("metricSelector", ("metric", "selector"), _is_object)
_SUBJECT = _Field("target", ("describedObject",), _is_object)
_CONTAINER = _Field("container", ("container",), _is_text, "")

_SOURCES: Mapping[str, tuple[_Field, ...]] = {
    "object": (
        _SUBJECT,
        _METRIC,
        _Field("targetValue", ("target", "value"), _is_quantity, "0"),
        _SELECTOR,
        _Field("averageValue", ("target", "averageValue"), _is_quantity),
    ),
    "pods": (_METRIC, _Field("targetAverageValue", ("target", "averageValue"), _is_quantity, "0"), _SELECTOR),
    "resource": (
        _NAME,
        _Field("targetAverageUtilization", ("target", "averageUtilization"), is_whole),
        _Field("targetAverageValue", ("target", "averageValue"), _is_quantity),
    ),
    "containerResource": (
        _NAME,
        _Field("targetAverageUtilization", ("target", "averageUtilization"), is_whole),
        _Field("targetAverageValue", ("target", "averageValue"), _is_quantity),
        _CONTAINER,
    ),
    "external": (
        _METRIC,
        _METRIC_SELECTOR,
        _Field("targetValue", ("target", "value"), _is_quantity),
        _Field("targetAverageValue", ("target", "averageValue"), _is_quantity),
    ),
}
_MEASUREMENTS: Mapping[str, tuple[_Field, ...]] = {
    "object": (
        _SUBJECT,
        _METRIC,
        _Field("currentValue", ("current", "value"), _is_quantity, "0"),
        _SELECTOR,
        _Field("averageValue", ("current", "averageValue"), _is_quantity),
    ),
    "pods": (_METRIC, _Field("currentAverageValue", ("current", "averageValue"), _is_quantity, "0"), _SELECTOR),
    "resource": (
        _NAME,
        _Field("currentAverageUtilization", ("current", "averageUtilization"), is_whole),
        _Field("currentAverageValue", ("current", "averageValue"), _is_quantity, "0"),
    ),
    "containerResource": (
        _NAME,
        _Field("currentAverageUtilization", ("current", "averageUtilization"), is_whole),
        _Field("currentAverageValue", ("current", "averageValue"), _is_quantity, "0"),
        _CONTAINER,
    ),
    "external": (
        _METRIC,
        _METRIC_SELECTOR,
        _Field("currentValue", ("current", "value"), _is_quantity, "0"),
        _Field("currentAverageValue", ("current", "averageValue"), _is_quantity),
    ),
}


def metric_to_v1(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric that is wanted, flat."""
    return _flat(metric, _SOURCES)


def current_to_v1(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric that was measured, flat."""
    return _flat(metric, _MEASUREMENTS)


def metric_to_v2(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric that is wanted, as v2 has it: what is given tells the type of its target. Raises ValueError."""
    made = _deep(metric, _SOURCES)
    for kind in _SOURCES.keys() & made.keys():
        target = made[kind].setdefault("target", {})
        made[kind]["target"] = {"type": _target_type(kind, metric[kind]), **target}
    return made


def current_to_v2(metric: Mapping[str, Any]) -> dict[str, Any]:
    """A metric that was measured, as v2 has it. Raises ValueError."""
    return _deep(metric, _MEASUREMENTS)


def _target_type(kind: str, flat: Mapping[str, Any]) -> str:
    if kind in ("resource", "containerResource"):
        return "AverageValue" if flat.get("targetAverageUtilization") is None else "Utilization"
    if kind == "object":
        return "Value" if flat.get("averageValue") is None else "AverageValue"
    return "AverageValue" if flat.get("targetValue") is None else "Value"


def _flat(metric: Mapping[str, Any], table: Mapping[str, tuple[_Field, ...]]) -> dict[str, Any]:
    out: dict[str, Any] = {"type": metric.get("type") or ""}
    for kind, fields in table.items():
        source = metric.get(kind)
        if source is None:
            continue
        out[kind] = {}
        for field in fields:
            value = _at(source, field.path)
            if value is not None or field.absent is not None:
                out[kind][field.name] = field.absent if value is None else value
    return out


def _at(source: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = source
    for step in path:
        value = (value or {}).get(step)
    return value


def _deep(metric: Any, table: Mapping[str, tuple[_Field, ...]]) -> dict[str, Any]:
    if not isinstance(metric, dict) or not isinstance(metric.get("type", ""), str):
        raise ValueError("not a metric")
    out: dict[str, Any] = {"type": metric.get("type", "")}
    for kind, fields in table.items():
        flat = metric.get(kind)
        if flat is None:
            continue
        if not isinstance(flat, dict):
            raise ValueError(f"{kind} is not an object")
        out[kind] = {}
        for field in fields:
            _put(out[kind], field, flat.get(field.name))
    return out


def _put(source: dict[str, Any], field: _Field, given: Any) -> None:
    value = field.absent if given is None else given
    if value is None:
        return
    if not field.fits(value):
        raise ValueError(f"{field.name} is of another type")
    for step in field.path[:-1]:
        source = source.setdefault(step, {})
    source[field.path[-1]] = value
