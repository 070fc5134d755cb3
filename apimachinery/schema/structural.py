"""The type of a custom resource, made from the OpenAPI v3 schema of its CustomResourceDefinition.

Pure. Only what merging needs is read here: fields, list and map types. Pruning, defaulting and validation by the same
schema are done in `api.apiextensions`; metadata is that of the built-in types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from apimachinery.schema import model
from apimachinery.schema.loader import load
from apimachinery.schema.model import UNTYPED, FieldSchema, TypeSchema
from apimachinery.schema.pruning import decoder

_OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_SCALARS: Final = {
    "string": (model.STRING, "string"),
    "boolean": (model.BOOL, "bool"),
    "integer": (model.INT64, "int64"),
    "number": (model.FLOAT64, "float64"),
}


def from_openapi(schema: Mapping[str, Any] | None) -> TypeSchema:
    """The type of whole objects, with a `decode` that prunes; without a schema everything but metadata is untyped."""
    schema = schema or {"x-kubernetes-preserve-unknown-fields": True}
    found = _object(schema, is_root=True)
    found._decode = decoder(schema, load().named(_OBJECT_META))
    return found


def _type(schema: Mapping[str, Any]) -> TypeSchema:
    if schema.get("x-kubernetes-int-or-string"):
        return TypeSchema(model.INT_OR_STRING, go_type="intstr.IntOrString")
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, is_root=bool(schema.get("x-kubernetes-embedded-resource")))
    if kind == "array":
        return _list(schema)
    if kind in _SCALARS:
        name, go_type = _SCALARS[kind]
        return TypeSchema(name, go_type=go_type)
    return UNTYPED


def _object(schema: Mapping[str, Any], *, is_root: bool) -> TypeSchema:
    properties: Mapping[str, Any] = schema.get("properties") or {}
    further = schema.get("additionalProperties")
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or further is True
    atomic = schema.get("x-kubernetes-map-type") == model.ATOMIC
    element: Callable[[], TypeSchema] | None = None
    if isinstance(further, Mapping):
        element = partial(_type, further)
    elif keeps:
        element = partial(_constant, UNTYPED)
    if not properties and not is_root:
        if not keeps and not isinstance(further, Mapping):
            return TypeSchema(model.STRUCT, go_type="map[string]interface {}", atomic=atomic)
        return TypeSchema(model.MAP, go_type="map[string]interface {}", element=element, atomic=atomic)
    return TypeSchema(
        model.STRUCT,
        go_type="map[string]interface {}",
        element=element,
        atomic=atomic,
        preserves_unknown=keeps,
        key_defaults={name: field["default"] for name, field in properties.items() if "default" in field},
        _make_fields=partial(_fields, properties, is_root=is_root),
    )


def _fields(properties: Mapping[str, Any], *, is_root: bool) -> dict[str, FieldSchema]:
    fields = {name: FieldSchema(name, partial(_type, schema), pointer=True) for name, schema in properties.items()}
    if is_root:
        string = TypeSchema(model.STRING, go_type="string")
        for name in ("apiVersion", "kind"):
            fields[name] = FieldSchema(name, partial(_constant, string))
        fields["metadata"] = FieldSchema("metadata", partial(load().named, _OBJECT_META))
    return fields


def _list(schema: Mapping[str, Any]) -> TypeSchema:
    return TypeSchema(
        model.LIST,
        go_type="[]interface {}",
        element=partial(_type, schema.get("items") or {}),
        list_type=schema.get("x-kubernetes-list-type") or model.ATOMIC,
        list_keys=tuple(schema.get("x-kubernetes-list-map-keys") or ()),
    )


def _constant(schema: TypeSchema) -> TypeSchema:
    return schema
