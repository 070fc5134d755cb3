"""The schemas of CustomResourceDefinitions: whether they are structural. Pure.

A structural schema says of every field what type it has, and says it outside of allOf, anyOf, oneOf and not, so that
unknown fields can be dropped, defaults filled in and changes merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("definitions", "dependencies", "id", "patternProperties", "additionalItems")
_LIST_TYPES = ("atomic", "map", "set")
_MAP_TYPES = ("atomic", "granular")
_UNIQUE = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
#: What the schema of a part is called in the text for a missing type.
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"
#: What may only be said once, outside of allOf, anyOf, oneOf and not.
_OUTSIDE_ONLY = ("title", "description", "default", "nullable", "type", "additionalProperties")
_ABSENT = {"additionalProperties": "undefined", "default": "undefined", "nullable": "false"}
_PRESERVE, _INT_OR_STRING = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"


def validate_schema(schema: Mapping[str, Any], path: str) -> list[FieldError]:
    """Every rule that a version's schema breaks."""
    return _validate_level(schema, path, _ROOT)


def _validate_level(schema: Mapping[str, Any], path: str, level: str) -> list[FieldError]:
    errors = _validate_type(schema, path, level) + _validate_keywords(schema, path)
    properties, items = schema.get("properties") or {}, schema.get("items")
    additional = schema.get("additionalProperties")
    for name in sorted(properties):
        errors += _validate_level(properties[name], f"{path}.properties[{name}]", _FIELD)
    if isinstance(additional, Mapping):
        errors += _validate_level(additional, f"{path}.additionalProperties", _FIELD)
    if isinstance(items, Mapping):
        errors += _validate_level(items, f"{path}.items", _ITEM)
    return errors + _validate_junctors(schema, path, schema, path)


def _validate_type(schema: Mapping[str, Any], path: str, level: str) -> list[FieldError]:
    kind = schema.get("type") or ""
    free = schema.get(_INT_OR_STRING) or schema.get(_PRESERVE)
    if not kind:
        return [] if free and level is not _ROOT else [fe.required(f"{path}.type", f"must not be empty {level}")]
    if kind not in _TYPES:
        return [fe.not_supported(f"{path}.type", kind, _TYPES)]
    if level is _ROOT and kind != "object":
        return [fe.invalid(f"{path}.type", kind, "must be object at the root")]
    if schema.get(_INT_OR_STRING):
        return [fe.invalid(f"{path}.type", kind, f"must be empty if {_INT_OR_STRING} is true")]
    if kind == "array" and schema.get("items") is None:
        return [fe.required(f"{path}.items", "must be specified")]
    embedded = schema.get("x-kubernetes-embedded-resource")
    if embedded and kind != "object":
        return [fe.invalid(f"{path}.type", kind, "must be object if x-kubernetes-embedded-resource is true")]
    if embedded and not schema.get("properties") and not schema.get(_PRESERVE):
        text = f"must not be empty if x-kubernetes-embedded-resource is true without {_PRESERVE}"
        return [fe.required(f"{path}.properties", text)]
    return []


def _validate_keywords(schema: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = [fe.forbidden(f"{path}.{word}", f"{word} is not supported") for word in _UNSUPPORTED if schema.get(word)]
    if schema.get("$ref"):
        errors.append(fe.forbidden(f"{path}.$ref", "$ref is not supported"))
    if schema.get("uniqueItems"):
        errors.append(fe.forbidden(f"{path}.uniqueItems", _UNIQUE))
    additional = schema.get("additionalProperties")
    if additional is not None and schema.get("properties"):
        errors.append(
            fe.forbidden(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
        )
    if additional is False:
        errors.append(fe.forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false"))
    if isinstance(schema.get("items"), list):
        text = "items must be a schema object and not an array"
        errors.append(fe.forbidden(f"{path}.items", text))
    return errors + _validate_merging(schema, path)


def _validate_merging(schema: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    lists, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    if lists is not None:
        at = f"{path}.x-kubernetes-list-type"
        if schema.get("type") != "array":
            kind, text = schema.get("type"), "must be array if x-kubernetes-list-type is specified"
            errors.append(fe.invalid(f"{path}.type", kind, text) if kind else fe.required(f"{path}.type", text))
        if lists not in _LIST_TYPES:
            errors.append(fe.not_supported(at, lists, _LIST_TYPES))
    if lists == "map" and not keys:
        text = "must not be empty if x-kubernetes-list-type is map"
        errors.append(fe.required(f"{path}.x-kubernetes-list-map-keys", text))
    if keys and lists != "map":
        text = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = f"{path}.x-kubernetes-list-type"
        errors.append(fe.required(at, text) if lists is None else fe.invalid(at, lists, text))
    items = schema.get("items") if lists == "map" and isinstance(schema.get("items"), Mapping) else None
    return errors + (_validate_keys(keys, items, path) if items else []) + _validate_map_type(schema, path)


def _validate_keys(keys: Sequence[str], items: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    fields, needed = items.get("properties") or {}, items.get("required") or ()
    for index, key in enumerate(keys):
        if key not in fields:
            text = "entries must all be names of item properties"
            errors.append(fe.invalid(f"{path}.x-kubernetes-list-map-keys[{index}]", key, text))
        elif key not in needed and fields[key].get("default") is None:
            text = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            errors.append(fe.required(f"{path}.items.properties[{key}].default", text))
    return errors


def _validate_map_type(schema: Mapping[str, Any], path: str) -> list[FieldError]:
    maps = schema.get("x-kubernetes-map-type")
    if maps is not None and maps not in _MAP_TYPES:
        return [fe.not_supported(f"{path}.x-kubernetes-map-type", maps, _MAP_TYPES)]
    return []


def _validate_junctors(schema: Mapping[str, Any], path: str, outer: Mapping[str, Any], at: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for junctor in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(schema.get(junctor) or ()):
            errors += _validate_value_rules(part, f"{path}.{junctor}[{index}]", outer, at)
    if isinstance(schema.get("not"), Mapping):
        errors += _validate_value_rules(schema["not"], f"{path}.not", outer, at)
    return errors


def _validate_value_rules(part: Mapping[str, Any], path: str, outer: Mapping[str, Any], at: str) -> list[FieldError]:
    """`part` restricts the values of the schema `outer`, which is at the path `at`."""
    errors: list[FieldError] = []
    for word in _OUTSIDE_ONLY:
        if part.get(word) and not (word == "type" and outer.get(_INT_OR_STRING)):
            errors.append(fe.forbidden(f"{path}.{word}", f"must be {_ABSENT.get(word, 'empty')} to be structural"))
    known = outer.get("properties") or {}
    for name, schema in sorted((part.get("properties") or {}).items()):
        inner, outside = f"{path}.properties[{name}]", f"{at}.properties[{name}]"
        if name in known:
            errors += _validate_value_rules(schema, inner, known[name], outside)
        else:
            errors.append(fe.required(outside, f"because it is defined in {inner}"))
    if isinstance(part.get("items"), Mapping):
        if isinstance(outer.get("items"), Mapping):
            errors += _validate_value_rules(part["items"], f"{path}.items", outer["items"], f"{at}.items")
        else:
            errors.append(fe.required(f"{at}.items", f"because it is defined in {path}.items"))
    return errors + _validate_junctors(part, path, outer, at)
