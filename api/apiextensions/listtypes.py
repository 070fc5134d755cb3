"""Lists that are sets or maps hold nothing twice (x-kubernetes-list-type). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.gosyntax import json_value
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]


def validate(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Every duplicate in the lists of the value at `path`."""
    errors: list[FieldError] = []
    if isinstance(value, dict):
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name, further)
            if isinstance(inner, Mapping):
                at = f"{path}.{name}" if path else name
                errors += validate(value[name], inner, f"{path}[{name}]" if inner is further else at)
    elif isinstance(value, list) and isinstance(items := schema.get("items"), Mapping):
        kind = schema.get("x-kubernetes-list-type")
        if kind == "set":
            errors += _duplicates(value, value, path)
        elif kind == "map":
            errors += _duplicates([_key(item, items, schema) for item in value], value, path)
        for index, item in enumerate(value):
            errors += validate(item, items, f"{path}[{index}]")
    return errors


def _key(item: Any, items: Schema, schema: Schema) -> Any:
    """What tells an element of a map from the others: the values of its keys, defaults where they are absent."""
    if not isinstance(item, dict):
        return None
    fields = items.get("properties") or {}
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    values = {key: item.get(key, (fields.get(key) or {}).get("default")) for key in sorted(keys)}
    return {key: value for key, value in values.items() if value is not None}


def _duplicates(keys: Sequence[Any], value: Sequence[Any], path: str) -> list[FieldError]:
    seen: set[bytes] = set()
    told: set[bytes] = set()
    errors: list[FieldError] = []
    for index, key in enumerate(keys):
        encoded = orjson.dumps(key, option=orjson.OPT_SORT_KEYS)
        if key is None and value[index] is not None:
            continue  # not of the right type: told by validation
        if encoded in seen and encoded not in told:
            errors.append(fe.duplicate(f"{path}[{index}]", json_value(key)))
            told.add(encoded)
        seen.add(encoded)
    return errors
