"""What the workloads of apps/v1 share: selector and template that fit together, counts or percentages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.core.replicationcontroller import NOT_NEGATIVE, validate_replica_template
from api.gosyntax import int_or_string, label_selector, raw
from api.validation import names
from api.validation.labelselector import selects_everything, validate_label_selector
from api.validation.objectmeta import FIELD_IMMUTABLE
from apimachinery import fielderrors as fe
from apimachinery import labels
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII).fullmatch


def validate_selector(selector: Mapping[str, Any] | None, kind: str) -> list[FieldError]:
    """A selector is there, well-formed, and selects something less than everything."""
    if selector is None:
        return [fe.required("spec.selector")]
    errors = validate_label_selector(selector, "spec.selector")
    if selects_everything(selector):
        errors.append(selects_everything_error(selector, kind))
    return errors


def selects_everything_error(selector: Mapping[str, Any], kind: str) -> FieldError:
    """What is said of a selector without any condition."""
    return fe.invalid("spec.selector", raw(label_selector(selector)), f"empty selector is invalid for {kind}")


def compiled(selector: Mapping[str, Any] | None) -> labels.Selector | None:
    """The selector ready to match; None where it is so wrong that it cannot be compiled."""
    try:
        return labels.from_label_selector(None if selector is None else dict(selector))
    except ValueError:
        return None


def validate_selected_template(spec: Mapping[str, Any]) -> list[FieldError]:
    """A ReplicaSet's template, also inside a Deployment; nothing is said of it where the selector is no selector."""
    selector = compiled(spec.get("selector"))
    if selector is None:
        return [fe.invalid("spec.selector", raw(label_selector(spec.get("selector"))), "invalid label selector")]
    return validate_replica_template(spec["template"], selector, "spec.template", "ReplicaSet")


def validate_immutable_selector(new: Object, old: Object) -> list[FieldError]:
    """spec.selector never changes."""
    selector = new["spec"].get("selector")
    if selector == old["spec"].get("selector"):
        return []
    shown = None if selector is None else raw(label_selector(selector))
    return [fe.invalid("spec.selector", shown, FIELD_IMMUTABLE)]


def validate_count_or_percent(value: int | str | None, path: str) -> list[FieldError]:
    """A number of pods, or a share of them."""
    if isinstance(value, str):
        return [fe.invalid(path, raw(int_or_string(value)), text) for text in names.percent(value)]
    return [fe.invalid(path, value, NOT_NEGATIVE)] if (value or 0) < 0 else []


def validate_at_most_all(value: int | str | None, path: str) -> list[FieldError]:
    """A share is not more than the whole."""
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        return [fe.invalid(path, raw(int_or_string(value)), "must not be greater than 100%")]
    return []


def count_or_percent(value: int | str | None) -> int:
    """The number, also where it is quoted, or that of percent; 0 for what is neither."""
    if not isinstance(value, str):
        return value or 0
    if not names.percent(value):
        return int(value[:-1])
    return int(value) if _INTEGER(value) else 0
