"""The OpenAPI definitions of custom resources, beside those of the built-in types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.kind import Kind
from apimachinery.objects import Object
from apiserver.openapi.definitions import GVK, described, gvk

OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
# What conformance looks for in `kubectl explain` is how the first and the last begin.
_VERSION_HELP: Final = "APIVersion defines the form that this object is written in, by its group and version."
_KIND_HELP: Final = "What this object is; together with apiVersion it says how to read the rest."
_META_HELP: Final = "Standard object's metadata: name, namespace, labels and whatever else every object has."
#: What no schema of a custom resource says to others.
_UNSAID: Final = frozenset({"example", "externalDocs", "id", "$schema"})
#: What kubectl's older validation of OpenAPI v2 does not understand.
_NOT_IN_V2: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "nullable"})
_EMBEDDED: Final = "x-kubernetes-embedded-resource"
_KEEPS: Final = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING: Final = "x-kubernetes-int-or-string"
_EITHER: Final = [{"type": "integer"}, {"type": "string"}]


def names_of(kinds: Iterable[Kind]) -> dict[str, str]:
    """The OpenAPI name of each "group/version/Kind" of custom resources, and of their lists."""
    found: dict[str, str] = {}
    for kind in kinds:
        if kind.custom is not None:
            key = f"{kind.resource.group}/{kind.resource.version}/"
            found[key + kind.resource.kind] = name_of(kind)
            found[f"{key}{kind.resource.kind}List"] = f"{name_of(kind)}List"
    return found


def name_of(kind: Kind) -> str:
    """ "com.example.stable.v1.CronTab"."""
    resource = kind.resource
    return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])


def definitions(kinds: Iterable[Kind], prefix: str, *, v2: bool) -> dict[str, Object]:
    """The schemas of custom resources and their lists; references begin with `prefix`."""
    made: dict[str, Object] = {}
    for kind in kinds:
        if kind.custom is None:
            continue
        resource, name = kind.resource, name_of(kind)
        made[name] = _item(kind.custom.schema, prefix, v2=v2)
        made[name][GVK] = [gvk(resource.group, resource.version, resource.kind)]
        made[f"{name}List"] = {
            "type": "object",
            "required": ["items"],
            "properties": {
                **_type_meta(),
                "items": {"type": "array", "items": {"$ref": prefix + name}},
                "metadata": {"$ref": prefix + LIST_META},
            },
            GVK: [gvk(resource.group, resource.version, kind.custom.list_kind)],
        }
    return made


def _type_meta() -> Object:
    return {
        "apiVersion": {"type": "string", "description": _VERSION_HELP},
        "kind": {"type": "string", "description": _KIND_HELP},
    }


def _item(schema: Mapping[str, Any], prefix: str, *, v2: bool) -> Object:
    if v2 and schema.get(_KEEPS):
        return {"type": "object"}  # kubectl takes any property for unknown that is not named beside others
    made = published(schema, prefix, v2=v2)
    return {**made, "properties": {**(made.get("properties") or {}), **_object_meta(prefix)}}


def _object_meta(prefix: str) -> Object:
    return {**_type_meta(), "metadata": described({"$ref": prefix + OBJECT_META}, _META_HELP, prefix)}


def published(schema: Mapping[str, Any], prefix: str, *, v2: bool) -> Object:
    """A structural schema as OpenAPI says it.

    (k8s.io/apiextensions-apiserver/pkg/controller/openapi: builder/builder.go, v2/conversion.go.)"""
    made: Object = {word: value for word, value in schema.items() if word not in _UNSAID}
    if v2:
        _make_v2(made, schema)
    elif schema.get(_INT_OR_STRING) and not schema.get("anyOf") and not schema.get("allOf"):
        made["anyOf"] = _EITHER
    if isinstance(made.get("properties"), Mapping):
        made["properties"] = {name: published(field, prefix, v2=v2) for name, field in made["properties"].items()}
    for word in ("items", "additionalProperties"):
        if isinstance(made.get(word), Mapping):
            made[word] = published(made[word], prefix, v2=v2)
    if schema.get(_EMBEDDED) and not (v2 and schema.get(_KEEPS)):
        made["properties"] = {**(made.get("properties") or {}), **_object_meta(prefix)}
        required = made.get("required") or []
        made["required"] = [*required, *(name for name in ("kind", "apiVersion") if name not in required)]
    return made


def _make_v2(made: Object, schema: Mapping[str, Any]) -> None:
    """Take away what OpenAPI v2 cannot say, or older versions of kubectl understand amiss, in place."""
    gone = set(_NOT_IN_V2)
    if schema.get("nullable"):
        gone |= {"type", "items", "properties"}
    if schema.get(_KEEPS):
        gone |= {"items", "properties", *(("type",) if schema.get("type") in ("object", "array") else ())}
    further = schema.get("additionalProperties")
    if isinstance(further, Mapping) and further.get("nullable"):
        gone.add("required")
    for word in gone:
        made.pop(word, None)
    fields = made.get("properties") or {}
    required = [name for name in made.pop("required", ()) if not (fields.get(name) or {}).get("nullable")]
    if required:
        made["required"] = required
