"""The rules of metav1.LabelSelector (k8s.io/apimachinery/pkg/apis/meta/v1/validation). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.validation import names
from api.validation.objectmeta import validate_label_name, validate_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_SET_OPERATORS = ("In", "NotIn")
_EXISTENCE_OPERATORS = ("Exists", "DoesNotExist")


def validate_label_selector(selector: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    """Labels and expressions of a selector; an absent selector breaks no rule."""
    if not selector:
        return []
    errors = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += _validate_expression(expression, f"{path}.matchExpressions[{index}]")
    return errors


def _validate_expression(expression: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values = expression.get("operator") or "", expression.get("values") or []
    if operator in _SET_OPERATORS:
        if not values:
            errors.append(fe.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in _EXISTENCE_OPERATORS:
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(fe.forbidden(f"{path}.values", text))
    else:
        errors.append(fe.invalid(f"{path}.operator", operator, "not a valid selector operator"))
    errors += validate_label_name(expression.get("key") or "", f"{path}.key")
    for index, value in enumerate(values):
        errors.extend(fe.invalid(f"{path}.values[{index}]", value, text) for text in names.label_value(value))
    return errors


def selects_everything(selector: Mapping[str, Any] | None) -> bool:
    """Whether there is nothing in the selector."""
    return not selector or not (selector.get("matchLabels") or selector.get("matchExpressions"))
