"""The built-in types of Kubernetes v1.28, read from the data file that `derive.py` makes.

Pure but for reading that file once. Types are completed when they are first asked for, so that a start costs little."""

from __future__ import annotations

import gzip
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import orjson

from apimachinery.schema import model
from apimachinery.schema.model import FieldSchema, TypeSchema

_SCALARS: Final = {
    "s": (model.STRING, "string"),
    "b": (model.BOOL, "bool"),
    "i": (model.INT32, "int32"),
    "h": (model.INT32, "uint8"),
    "l": (model.INT64, "int64"),
    "f": (model.FLOAT64, "float64"),
    "y": (model.BYTES, "[]uint8"),
    "t": (model.TIME, "v1.Time"),
    "u": (model.MICRO_TIME, "v1.MicroTime"),
    "q": (model.QUANTITY, "resource.Quantity"),
    "x": (model.INT_OR_STRING, "intstr.IntOrString"),
    "r": (model.RAW, "runtime.RawExtension"),
    "j": (model.ANY, "v1.JSON"),
    "A": (model.SCHEMA_OR_ARRAY, "v1.JSONSchemaPropsOrArray"),
    "B": (model.SCHEMA_OR_BOOL, "v1.JSONSchemaPropsOrBool"),
    "S": (model.SCHEMA_OR_STRINGS, "v1.JSONSchemaPropsOrStringArray"),
}
_SCHEMA_PROPS: Final = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
#: Defaults of list-map keys, which an applied element may leave out; our source of the schema does not say them.
_KEY_DEFAULTS: Final = {
    "io.k8s.api.core.v1.ContainerPort": {"protocol": "TCP"},
    "io.k8s.api.core.v1.ServicePort": {"protocol": "TCP"},
}


class Schemas:
    """All built-in types by name and by group, version and kind."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._rows: dict[str, dict[str, Any]] = data["types"]
        self._kinds: dict[str, str] = data["kinds"]
        self._structs: dict[str, TypeSchema] = {}
        self._scalars: dict[tuple[str, str], TypeSchema] = {}

    def for_kind(self, group: str, version: str, kind: str) -> TypeSchema | None:
        """The type of a kind's objects, or None."""
        name = self._kinds.get(f"{group}/{version}/{kind}")
        return None if name is None else self.named(name)

    def named(self, name: str) -> TypeSchema:
        """The struct of that OpenAPI name ("io.k8s.api.core.v1.PodSpec"); raises KeyError."""
        found = self._structs.get(name)
        if found is None:
            row = self._rows[name]
            found = TypeSchema(
                model.STRUCT,
                name=name,
                go_type=".".join(name.split(".")[-2:]),
                atomic=row.get("mt") == model.ATOMIC,
                key_defaults=_KEY_DEFAULTS.get(name, {}),
                _make_fields=partial(self._fields, row["f"]),
            )
            self._structs[name] = found
        return found

    @property
    def names(self) -> list[str]:
        """The OpenAPI names of all structs."""
        return list(self._rows)

    @property
    def kinds(self) -> dict[str, str]:
        """The OpenAPI name of each "group/version/Kind"."""
        return self._kinds

    def _fields(self, rows: list[list[Any]]) -> dict[str, FieldSchema]:
        return {row[0]: self._field(*row) for row in rows}

    def _field(
        self, name: str, shape: str, flags: str, go_type: str = "", extras: dict[str, Any] | None = None
    ) -> FieldSchema:
        extras = extras or {}
        # An empty managedFields says that the client wants to begin anew: it must outlive decoding.
        pointer = shape.startswith("*") or name == "managedFields"
        strategies = tuple(extras["ps"].split(",")) if "ps" in extras else ()
        return FieldSchema(
            name,
            partial(self._type, shape.lstrip("*"), go_type, extras),
            pointer=pointer,
            omitempty="o" in flags,
            required="r" in flags,
            patch_strategies=strategies,
            merge_key=extras.get("mk", ""),
        )

    def _type(self, shape: str, go_type: str, extras: dict[str, Any]) -> TypeSchema:
        code, inner = shape[0], shape[1:]
        if code == "@":
            found = self.named(inner)
            return _made_atomic(found) if extras.get("mt") == model.ATOMIC and not found.atomic else found
        if code in "[{":
            return self._collection(code, inner, go_type, extras)
        kind, default_name = _SCALARS[code]
        key = (code, go_type or default_name)
        scalar = self._scalars.get(key)
        if scalar is None:
            element = partial(self.named, _SCHEMA_PROPS) if code in "ABS" else None
            scalar = self._scalars[key] = TypeSchema(kind, go_type=key[1], element=element)
        return scalar

    def _collection(self, code: str, inner: str, go_type: str, extras: dict[str, Any]) -> TypeSchema:
        # A named list or map is printed by its name; its elements follow what stands behind the "=".
        named, _, underlying = go_type.partition("=")
        prefix = "[]" if code == "[" else "map[string]"
        inner_go = (underlying or named).removeprefix("[]") if code == "[" else (underlying or named).partition("]")[2]
        element = partial(self._type, inner.lstrip("*"), inner_go.lstrip("*"), {})
        strategies = extras.get("ps", "").split(",")
        list_type, list_keys = extras.get("lt", ""), tuple(extras.get("lk", ()))
        if not list_type and "merge" in strategies:
            list_type, list_keys = ("map", (extras["mk"],)) if "mk" in extras else (model.SET, ())
        return TypeSchema(
            model.LIST if code == "[" else model.MAP,
            go_type=named or prefix + _printed(inner),
            element=element,
            element_pointer=inner.startswith("*"),
            list_type=list_type or model.ATOMIC,
            list_keys=list_keys,
            atomic=extras.get("mt") == model.ATOMIC,
        )


def _printed(shape: str) -> str:
    """The Go type of a shape without named types in it."""
    code, inner = shape[0], shape[1:]
    if code == "*":
        return "*" + _printed(inner)
    if code == "@":
        return ".".join(inner.split(".")[-2:])
    if code in "[{":
        return ("[]" if code == "[" else "map[string]") + _printed(inner)
    return _SCALARS[code][1]


def _made_atomic(struct: TypeSchema) -> TypeSchema:
    """The same struct where a field says that it is atomic."""
    return TypeSchema(
        model.STRUCT, name=struct.name, go_type=struct.go_type, atomic=True, _make_fields=lambda: dict(struct.fields)
    )


@lru_cache(maxsize=1)
def load() -> Schemas:
    """The built-in types; read once per process."""
    packed = (Path(__file__).parent / "v1.28.json.gz").read_bytes()
    return Schemas(orjson.loads(gzip.decompress(packed)))
