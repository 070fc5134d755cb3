"""The OpenAPI definitions of custom resources, beside those of the built-in types. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from api.kind import Kind
from apimachinery.objects import Object
from apiserver.openapi.definitions import GVK, gvk

OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
LIST_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_VERSION_HELP: Final = "The version of the form that this object is written in."
_KIND_HELP: Final = "What this object is; together with apiVersion it says how to read the rest."
#: What OpenAPI v2 has and kubectl's older validation understands.
_V2_WORDS: Final = frozenset(
    {
        *("type", "format", "description", "properties", "items", "additionalProperties", "required", "enum"),
        *("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength"),
        *("maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "title", "default"),
    }
)
_V2_EXTENSIONS: Final = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type")


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
    made: Object = for_v2(schema) if v2 else dict(schema)
    if v2 and schema.get("x-kubernetes-preserve-unknown-fields"):
        return {"type": "object"}  # kubectl takes any property for unknown that is not named beside others
    meta = {**_type_meta(), "metadata": {"$ref": prefix + OBJECT_META}}
    return {**made, "properties": {**(made.get("properties") or {}), **meta}}


def for_v2(schema: Mapping[str, Any]) -> Object:
    """What OpenAPI v2 can say of a schema; it says nothing of what may also be null, or anything."""
    if schema.get("x-kubernetes-preserve-unknown-fields") or schema.get("x-kubernetes-int-or-string"):
        kept = ("description", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")
        return {word: schema[word] for word in kept if word in schema}
    made = {word: value for word, value in schema.items() if word in _V2_WORDS or word in _V2_EXTENSIONS}
    if schema.get("nullable"):
        for word in ("type", "properties", "items", "additionalProperties", "required"):
            made.pop(word, None)
        return made
    if "properties" in made:
        made["properties"] = {name: for_v2(field) for name, field in made["properties"].items()}
    if isinstance(made.get("items"), Mapping):
        made["items"] = for_v2(made["items"])
    further = made.pop("additionalProperties", None)
    if isinstance(further, Mapping):
        made["additionalProperties"] = for_v2(further)
    return made
