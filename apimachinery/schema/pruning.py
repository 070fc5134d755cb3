"""Decode a custom resource: its metadata as that of any object, the rest pruned by its structural schema. Pure.

Nulls that are no values are pruned too. Types and formats are not looked at: a value of the wrong type is a matter of
validation here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apimachinery import fielderrors
from apimachinery.objects import Object
from apimachinery.schema import model
from apimachinery.schema.compiler import compile_type
from apimachinery.schema.leaves import Mismatch
from apimachinery.schema.model import DecodeError, TypeSchema

_TYPE_META: Final = ("apiVersion", "kind")


def decoder(schema: Mapping[str, Any], object_meta: TypeSchema) -> Callable[[Object], list[str]]:
    """The `TypeSchema.decode` of objects with this schema: prunes in place, tells what it took away."""
    decode_meta = compile_type(object_meta, where="metadata")

    def decode(obj: Object) -> list[str]:
        unknown: list[str] = []
        _prune(obj, schema, "", unknown, decode_meta, is_root=True)
        _drop_nulls(obj, schema)
        return unknown

    return decode


def unknown_fields(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What pruning takes away of a value, in place; metadata stays as it is."""
    unknown: list[str] = []
    _prune(value, schema, "", unknown, lambda _: [], is_root=bool(schema.get("x-kubernetes-embedded-resource")))
    return unknown


def _drop_nulls(value: Any, schema: Mapping[str, Any]) -> None:
    """Take away fields that are null where null is no value and no default stands for it; unknown ones stay.

    (k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/prunenulls.go.)"""
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, Mapping):
            for item in value:
                if isinstance(item, (dict, list)):
                    _drop_nulls(item, items)
        return
    if not isinstance(value, dict):
        return
    properties: Mapping[str, Any] = schema.get("properties") or {}
    further = schema.get("additionalProperties")
    for name, inner in list(value.items()):
        known = properties.get(name, further)
        if not isinstance(known, Mapping):
            continue
        if inner is None and not known.get("nullable") and known.get("default") is None:
            del value[name]
        elif isinstance(inner, (dict, list)):
            _drop_nulls(inner, known)


def _prune(
    value: Any,
    schema: Mapping[str, Any],
    path: str,
    unknown: list[str],
    decode_meta: Callable[[Object], list[str]],
    *,
    is_root: bool = False,
) -> None:
    if isinstance(value, list):
        items = schema.get("items")
        if isinstance(items, Mapping):
            for index, item in enumerate(value):
                if isinstance(item, (dict, list)):
                    _prune(item, items, f"{path}[{index}]", unknown, decode_meta)
        return
    if not isinstance(value, dict):
        return
    whole = is_root or bool(schema.get("x-kubernetes-embedded-resource"))
    properties: Mapping[str, Any] = schema.get("properties") or {}
    further = schema.get("additionalProperties")
    keeps = schema.get("x-kubernetes-preserve-unknown-fields") or further is True
    for name, inner in list(value.items()):
        if whole and name in _TYPE_META:
            continue
        known = properties.get(name, further)
        if whole and name == "metadata":
            _metadata(value, unknown, _within(path, name), decode_meta, is_root=is_root)
        elif isinstance(known, Mapping):
            if isinstance(inner, (dict, list)):
                _prune(inner, known, _within(path, name), unknown, decode_meta)
        elif not keeps:
            unknown.append(f"unknown field {fielderrors.go_quote(_within(path, name))}")
            del value[name]


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _metadata(
    value: Object, unknown: list[str], path: str, decode_meta: Callable[[Object], list[str]], *, is_root: bool
) -> None:
    """Metadata is typed: at the top what does not fit is an error, further down it is left to validation."""
    if not isinstance(value["metadata"], dict):
        if is_root:
            raise DecodeError(Mismatch.of(value["metadata"], "v1.ObjectMeta", model.STRUCT).text())
        return
    try:
        found = decode_meta(value["metadata"])
    except DecodeError:
        if is_root:
            raise
        return
    prefix = "unknown field "
    unknown.extend(prefix + fielderrors.go_quote(f"{path}.{text[len(prefix) + 1 : -1]}") for text in found)
    if not is_root and value["metadata"].get("creationTimestamp") is None:
        value["metadata"].pop("creationTimestamp", None)
