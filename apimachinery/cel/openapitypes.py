"""CEL types of what OpenAPI v3 documents describe, with the schemas that they refer to. Pure.

What a document leaves open is of any type: a check should not complain of what it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from apimachinery.cel.types import Type, of_schema

_ANY: Final[Mapping[str, Any]] = {"x-kubernetes-int-or-string": True}
_OPEN: Final = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string", "x-kubernetes-embedded-resource")


def type_of(name: str, schemas: Mapping[str, Any], shown: str) -> Type | None:
    """The type of the schema `name` among `schemas` (components.schemas), called `shown` in messages."""
    found = schemas.get(name)
    return of_schema(_whole(found, schemas, frozenset({name})), shown) if isinstance(found, Mapping) else None


def _whole(schema: Mapping[str, Any], schemas: Mapping[str, Any], above: frozenset[str]) -> Mapping[str, Any]:
    """The schema with those in place that it refers to; one that is within itself is of any type there."""
    reference = _reference(schema)
    if reference:
        if reference in above or not isinstance(schemas.get(reference), Mapping):
            return _ANY
        return _whole(schemas[reference], schemas, above | {reference})
    if any(schema.get(mark) for mark in _OPEN) or schema.get("format") == "int-or-string" or not schema.get("type"):
        return _ANY
    made = dict(schema)
    if schema["type"] == "array":
        made["items"] = _whole(schema.get("items") or {}, schemas, above)
    elif schema["type"] == "object":
        further, properties = schema.get("additionalProperties"), schema.get("properties")
        if not isinstance(further, Mapping) and not properties:
            return _ANY
        if isinstance(further, Mapping):
            made["additionalProperties"] = _whole(further, schemas, above)
        made["properties"] = {key: _whole(inner, schemas, above) for key, inner in (properties or {}).items()}
    return made


def _reference(schema: Mapping[str, Any]) -> str:
    """The name of the schema that this one is, with or without words of its own."""
    parts: Sequence[Mapping[str, Any]] = schema.get("allOf") or ()
    text: str = schema.get("$ref") or (parts[0].get("$ref") if len(parts) == 1 else "") or ""
    return text.rpartition("/")[2]
