"""Types as OpenAPI schemas, with Kubernetes' extensions for patches and apply. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery.objects import Object
from apimachinery.schema import model
from apimachinery.schema.loader import Schemas
from apimachinery.schema.model import FieldSchema, TypeSchema
from apiserver.openapi.describing import Descriptions

V2_PREFIX = "#/definitions/"
V3_PREFIX = "#/components/schemas/"
GVK = "x-kubernetes-group-version-kind"

_SCALARS: Mapping[str, Object] = {
    model.STRING: {"type": "string"},
    model.BOOL: {"type": "boolean"},
    model.INT32: {"type": "integer", "format": "int32"},
    model.INT64: {"type": "integer", "format": "int64"},
    model.FLOAT64: {"type": "number", "format": "double"},
    model.BYTES: {"type": "string", "format": "byte"},
    model.TIME: {"type": "string", "format": "date-time"},
    model.MICRO_TIME: {"type": "string", "format": "date-time"},
    model.QUANTITY: {"type": "string"},
    model.INT_OR_STRING: {"type": "string", "format": "int-or-string"},
    model.RAW: {"type": "object"},
}


def gvk(group: str, version: str, kind: str) -> dict[str, str]:
    """One group, version and kind as the extension shows it."""
    return {"group": group, "kind": kind, "version": version}


def kinds_by_name(schemas: Schemas) -> dict[str, list[dict[str, str]]]:
    """The groups, versions and kinds that each type stands for."""
    found: dict[str, list[dict[str, str]]] = {}
    for key, name in schemas.kinds.items():
        group, version, kind = key.split("/")
        found.setdefault(name, []).append(gvk(group, version, kind))
    return found


def definitions(schemas: Schemas, names: Iterable[str], prefix: str, texts: Descriptions) -> dict[str, Object]:
    """The schemas of these types with what `texts` say of them; references begin with `prefix` ("#/definitions/")."""
    kinds = kinds_by_name(schemas)
    made: dict[str, Object] = {}
    for name in sorted(names):
        made[name] = _struct(name, schemas.named(name), prefix, texts)
        if name in kinds:
            made[name][GVK] = sorted(kinds[name], key=lambda entry: (entry["group"], entry["version"], entry["kind"]))
    return made


def reachable(schemas: Schemas, roots: Iterable[str]) -> set[str]:
    """The types that these types are made of, themselves included."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for field in schemas.named(name).fields.values():
            inner = _innermost(field.type)
            if inner.kind == model.STRUCT and inner.name:
                waiting.append(inner.name)
    return seen


def _innermost(schema: TypeSchema) -> TypeSchema:
    while schema.kind in (model.LIST, model.MAP):
        schema = schema.item
    return schema


def _struct(type_name: str, schema: TypeSchema, prefix: str, texts: Descriptions) -> Object:
    made: Object = {"type": "object"}
    if text := texts.of_type(type_name):
        made["description"] = text
    properties = {
        name: described(_field(field, prefix), texts.of_field(type_name, name), prefix)
        for name, field in sorted(schema.fields.items())
    }
    if properties:
        made["properties"] = properties
    required = sorted(name for name, field in schema.fields.items() if field.required)
    if required:
        made["required"] = required
    if schema.atomic:
        made["x-kubernetes-map-type"] = "atomic"
    return made


def described(made: Object, text: str, prefix: str) -> Object:
    """A schema with its text, if it has one; `made` is taken apart."""
    if not text:
        return made
    if "$ref" in made and prefix == V3_PREFIX:  # where a reference may have nothing beside it
        reference = made.pop("$ref")
        made["allOf"] = [{"$ref": reference}]
    return {"description": text, **made}


def _field(field: FieldSchema, prefix: str) -> Object:
    made = type_schema(field.type, prefix)
    extensions: dict[str, Any] = {}
    if field.patch_strategies:
        extensions["x-kubernetes-patch-strategy"] = ",".join(field.patch_strategies)
    if field.merge_key:
        extensions["x-kubernetes-patch-merge-key"] = field.merge_key
    if field.type.kind == model.LIST:
        extensions["x-kubernetes-list-type"] = field.type.list_type
        if field.type.list_keys:
            extensions["x-kubernetes-list-map-keys"] = list(field.type.list_keys)
    return {**made, **extensions} if extensions else made


def type_schema(schema: TypeSchema, prefix: str) -> Object:
    """A type as it stands in a property."""
    if schema.kind == model.STRUCT and schema.name:
        return {"$ref": prefix + schema.name}
    if schema.kind == model.LIST:
        return {"type": "array", "items": type_schema(schema.item, prefix)}
    if schema.kind == model.MAP:
        return {"type": "object", "additionalProperties": type_schema(schema.item, prefix)}
    # What may be anything has no type: JSON in a CustomResourceDefinition's schema, for one.
    return dict(_SCALARS.get(schema.kind, {}))
