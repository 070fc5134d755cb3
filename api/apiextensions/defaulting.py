"""Defaults of custom resources, and nulls where a default stands for them. Pure: changes the object it is given.

(k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.apiextensions.inside import anywhere
from apimachinery.objects import deep_copy

Schema = Mapping[str, Any]


def apply_defaults(value: Any, schema: Schema) -> None:
    """Fill in what is absent, or null where null is no value; a default's own fields are defaulted in turn."""
    if isinstance(value, dict):
        properties: Mapping[str, Any] = schema.get("properties") or {}
        for name, field in properties.items():
            if field.get("default") is None:
                continue
            if name not in value or (value[name] is None and not field.get("nullable")):
                value[name] = deep_copy(field["default"])
        further = schema.get("additionalProperties")
        for name in value:
            known = properties.get(name, further)
            if isinstance(known, Mapping):
                _settle(value, name, known)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index in range(len(value)):
            _settle(value, index, schema["items"])


def _settle(holder: Any, at: Any, schema: Schema) -> None:
    """The default of a null entry or element, where null is no value; then what is in it."""
    if holder[at] is None and not schema.get("nullable"):
        holder[at] = deep_copy(schema.get("default"))
    apply_defaults(holder[at], schema)


def has_defaults(schema: Schema) -> bool:
    """Whether anything in the schema has a default."""
    return anywhere(schema, lambda each: each.get("default") is not None)
