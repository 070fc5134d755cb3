"""What the OpenAPI schemas of CustomResourceDefinitions may say at all. Pure.

ValidateCustomResourceDefinitionOpenAPISchema of k8s.io/apiextensions-apiserver: no unsupported words, list and map
types that fit their types, defaults only where they can be filled in. Whether a schema is structural is in
`structural.py`, its CEL rules are in `ruling.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from api.gosyntax import named_strings
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]

_TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED: Final = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_LIST_TYPES: Final = ("atomic", "set", "map")
_MAP_TYPES: Final = ("atomic", "granular")
_META: Final = frozenset({"metadata", "kind", "apiVersion"})
_LIST, _KEYS, _MAP = "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"
_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an object a schema is."""

    is_root: bool = False
    in_meta: bool = False  #: inside of an object's apiVersion, kind or metadata
    no_defaults: str = ""  #: why there may be no defaults


def validate_openapi(schema: Schema, path: str) -> list[FieldError]:
    """Every rule that a version's schema breaks, at any depth."""
    return list(_level(schema, path, _Place(is_root=True)))


def _level(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    yield from _words(schema, path, place)
    yield from _additional(schema, path, place)
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield from _level(inner, f"{path}.properties[{name}]", _inside(schema, name, place))
    deeper = replace(place, is_root=False)
    for at, inner in _unnamed_parts(schema):
        yield from _level(inner, f"{path}.{at}", deeper)
    if schema.get(_PRESERVE) is False:
        yield fe.invalid(f"{path}.{_PRESERVE}", False, "must be true or undefined")
    yield from _map_type(schema, path)
    yield from _list_type(schema, path)
    if schema.get(_LIST) == "map":
        yield from _map_keys(schema, path)
    yield from _nullable_items(schema, path)


def _unnamed_parts(schema: Schema) -> Iterator[tuple[str, Schema]]:
    if isinstance(schema.get("not"), Mapping):
        yield "not", schema["not"]
    for word in ("allOf", "oneOf", "anyOf"):
        for index, inner in enumerate(schema.get(word) or ()):
            yield f"{word}[{index}]", inner
    items = schema.get("items")
    if isinstance(items, Mapping):
        yield "items", items
    elif isinstance(items, list):
        for index, inner in enumerate(items):
            yield f"items[{index}]", inner


def _inside(schema: Schema, name: str, place: _Place) -> _Place:
    """The place of a property."""
    if name not in _META or not (place.is_root or schema.get("x-kubernetes-embedded-resource")):
        return replace(place, is_root=False)
    forbidden = f"in top-level {name}" if place.is_root else place.no_defaults
    return _Place(in_meta=True, no_defaults=forbidden)


def _words(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    kind = schema.get("type") or ""
    if kind and kind not in _TYPES:
        yield fe.not_supported(f"{path}.type", kind, _TYPES)
    if schema.get("default") is not None and place.no_defaults:
        yield fe.forbidden(f"{path}.default", f"must not be set {place.no_defaults}")
    for word in _UNSUPPORTED:
        if schema.get(word) not in (None, "", {}):
            yield fe.forbidden(f"{path}.{word}", f"{word} is not supported")
    if kind == "null":
        yield fe.forbidden(f"{path}.type", "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield fe.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if place.in_meta and schema.get("x-kubernetes-embedded-resource"):
        yield fe.forbidden(f"{path}.x-kubernetes-embedded-resource", "must not be used inside of resource meta")
    if schema.get("uniqueItems"):
        text = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield fe.forbidden(f"{path}.uniqueItems", text)


def _additional(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    further = schema.get("additionalProperties")
    if further is None:
        return
    at = f"{path}.additionalProperties"
    if schema.get("properties") and further is not True:
        yield fe.forbidden(at, "additionalProperties and properties are mutual exclusive")
    if isinstance(further, Mapping):
        why = "inside additionalProperties applying to object metadata" if place.in_meta else place.no_defaults
        yield from _level(further, at, replace(place, is_root=False, no_defaults=why))


def _wrong_type(schema: Schema, path: str, wanted: str, word: str) -> FieldError | None:
    kind, text = schema.get("type") or "", f"must be {wanted} if {word} is specified"
    if kind == wanted:
        return None
    return fe.invalid(f"{path}.type", kind, text) if kind else fe.required(f"{path}.type", text)


def _map_type(schema: Schema, path: str) -> Iterator[FieldError]:
    kind = schema.get(_MAP)
    if kind is None:
        return
    if wrong := _wrong_type(schema, path, "object", _MAP):
        yield wrong
    if kind not in _MAP_TYPES:
        yield fe.not_supported(f"{path}.{_MAP}", kind, _MAP_TYPES)


def _list_type(schema: Schema, path: str) -> Iterator[FieldError]:
    kind, keys = schema.get(_LIST), schema.get(_KEYS) or []
    at = f"{path}.{_LIST}"
    if kind is not None:
        if wrong := _wrong_type(schema, path, "array", _LIST):
            yield wrong
        elif kind == "set" and isinstance(schema.get("items"), Mapping):
            yield from _set_items(schema["items"], f"{path}.items")
        if kind not in _LIST_TYPES:
            yield fe.not_supported(at, kind, _LIST_TYPES)
    if keys and kind != "map":
        text = f"must be map if {_KEYS} is non-empty"
        yield fe.required(at, text) if kind is None else fe.invalid(at, kind, text)


def _set_items(items: Schema, path: str) -> Iterator[FieldError]:
    """The elements of a set are compared whole: nothing in them may be merged."""
    text = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.get("type") == "array" and items.get(_LIST) not in (None, "atomic"):
        yield fe.invalid(f"{path}.{_LIST}", items[_LIST], text)
    if items.get("type") == "object" and items.get(_MAP) != "atomic":
        # The reference shows the list type here.
        yield fe.invalid(f"{path}.{_MAP}", items.get(_LIST), text)


def _map_keys(schema: Schema, path: str) -> Iterator[FieldError]:
    keys, items, at = schema.get(_KEYS) or [], schema.get("items"), f"{path}.{_KEYS}"
    if not keys:
        yield fe.required(at, f"must not be empty if {_LIST} is map")
    if items is None:
        yield fe.required(f"{path}.items", f"must have a schema if {_LIST} is map")
    elif isinstance(items, list):
        yield fe.invalid(f"{path}.items", items, f"must only have a single schema if {_LIST} is map")
    elif items.get("type") != "object":
        text = f"must be object if parent array's {_LIST} is map"
        yield fe.invalid(f"{path}.items.type", items.get("type") or "", text)
    else:
        yield from _key_properties(keys, items, path, at)


def _key_properties(keys: Sequence[str], items: Schema, path: str, at: str) -> Iterator[FieldError]:
    properties, shown = items.get("properties") or {}, named_strings("string", keys)
    for index, key in enumerate(keys):
        if key not in properties:
            yield fe.invalid(at, shown, "entries must all be names of item properties")
        elif properties[key].get("type") in ("array", "object"):
            text = f"must be a scalar type if parent array's {_LIST} is map"
            yield fe.invalid(f"{path}.items.properties[{key}].type", items.get("type"), text)
        if key in keys[:index]:
            yield fe.invalid(at, shown, "must not contain duplicate entries")


def _nullable_items(schema: Schema, path: str) -> Iterator[FieldError]:
    """Nothing tells two nulls in a set or a map apart, nor two elements without a key."""
    kind, items = schema.get(_LIST), schema.get("items")
    if kind not in ("set", "map") or not isinstance(items, Mapping):
        return
    if items.get("nullable"):
        yield fe.forbidden(f"{path}.items.nullable", f"cannot be nullable when {_LIST} is {kind}")
    if kind == "set":
        return
    properties, required = items.get("properties") or {}, items.get("required") or ()
    for key in schema.get(_KEYS) or ():
        if key not in properties:
            continue
        at, so = f"{path}.items.properties[{key}]", f"this property is in {_KEYS}, so it"
        if key not in required and properties[key].get("default") is None:
            yield fe.required(f"{at}.default", f"{so} must have a default or be a required property")
        if properties[key].get("nullable"):
            yield fe.forbidden(f"{at}.nullable", f"{so} cannot be nullable")
