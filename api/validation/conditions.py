"""The rules of metav1.Condition (k8s.io/apimachinery/pkg/apis/meta/v1/validation). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.validation import names
from api.validation.objectmeta import validate_label_name
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

STATUSES = ("False", "True", "Unknown")
_REASON = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON_TEXT = (
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'"
)
_REASON_EXAMPLES = ("my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB")
_MAX_REASON, _MAX_MESSAGE = 1024, 32 * 1024


def validate_conditions(conditions: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    """Every condition is well-formed and the only one of its type."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        kind = condition.get("type") or ""
        if kind in seen:
            errors.append(fe.duplicate(f"{path}[{index}].type", kind))
        seen.add(kind)
        errors += _validate_condition(condition, f"{path}[{index}]")
    return errors


def _validate_condition(condition: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = validate_label_name(condition.get("type") or "", f"{path}.type")
    status, generation = condition.get("status") or "", condition.get("observedGeneration") or 0
    if status not in STATUSES:
        errors.append(fe.not_supported(f"{path}.status", status, STATUSES))
    if generation < 0:
        errors.append(fe.invalid(f"{path}.observedGeneration", generation, "must be greater than or equal to zero"))
    if not condition.get("lastTransitionTime"):
        errors.append(fe.required(f"{path}.lastTransitionTime", "must be set"))
    errors += _validate_reason(condition.get("reason") or "", f"{path}.reason")
    if len(message := (condition.get("message") or "").encode()) > _MAX_MESSAGE:
        errors.append(fe.too_long(f"{path}.message", message, _MAX_MESSAGE))
    return errors


def _validate_reason(reason: str, path: str) -> list[FieldError]:
    if not reason:
        return [fe.required(path, "must be set")]
    errors: list[FieldError] = []
    if not re.fullmatch(_REASON, reason):
        errors.append(fe.invalid(path, reason, names.regex_text(_REASON_TEXT, _REASON, *_REASON_EXAMPLES)))
    if len(reason.encode()) > _MAX_REASON:
        errors.append(fe.too_long(path, reason, _MAX_REASON))
    return errors
