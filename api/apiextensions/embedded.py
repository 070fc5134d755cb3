"""Objects inside of custom resources say what they are (x-kubernetes-embedded-resource). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]


def validate(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Every embedded object, in the value at `path`, without apiVersion or kind."""
    errors: list[FieldError] = []
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            fields = ("apiVersion", "kind")
            errors += [fe.required(f"{path}.{name}", "must not be empty") for name in fields if not value.get(name)]
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name, further)
            if isinstance(inner, Mapping):
                errors += validate(value[name], inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        for index, item in enumerate(value):
            errors += validate(item, items, f"{path}[{index}]")
    return errors
