"""Whether the defaults in a schema fit it: known fields of the right types only. Pure.

(k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go.)"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.apiextensions import embedded, listtypes, values
from api.gosyntax import json_value
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import deep_copy
from apimachinery.schema.pruning import unknown_fields

Schema = Mapping[str, Any]


def validate_defaults(schema: Schema, path: str) -> list[FieldError]:
    """Every default that could not be filled in; those below additionalProperties are forbidden elsewhere."""
    return list(_level(schema, path))


def _level(schema: Schema, path: str) -> Iterator[FieldError]:
    default = schema.get("default")
    if default is not None:
        yield from _fitting(default, schema, f"{path}.default")
    if isinstance(schema.get("items"), Mapping):
        yield from _level(schema["items"], f"{path}.items")
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _level(inner, f"{path}.properties[{name}]")


def _fitting(default: Any, schema: Schema, path: str) -> list[FieldError]:
    unpruned = unknown_fields(deep_copy(default), schema)
    return [
        *([fe.invalid(path, json_value(default), "must not have unknown fields")] if unpruned else ()),
        *embedded.validate(default, schema, path),
        *values.validate(default, schema, path),
        *listtypes.validate(default, schema, path),
    ]
