"""Compile a type into a closure that checks and normalises objects of it in one pass.

Pure. The rules are those of a round trip through the Go type: fields it does not have are dropped, zero values of
`omitempty` fields too, structs and fields without `omitempty` are always written. Leaf types are in `leaves.py`.
Paths are put together only when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from apimachinery import fielderrors
from apimachinery.objects import Object
from apimachinery.schema import leaves, model
from apimachinery.schema.leaves import Handler, Mismatch
from apimachinery.schema.model import DecodeError, FieldSchema, TypeSchema

#: Given back by a field's handler when the field is to be left out.
_DROP: Final[Any] = type("Drop", (), {})()
#: The reference reports no more unknown fields than this.
_MOST_UNKNOWN: Final = 100

#: The class of JSON value that a scalar takes as it is, unless it is the zero value.
_QUICK: Final[dict[str, type]] = {model.STRING: str, model.BOOL: bool, model.INT_OR_STRING: str}
#: Kinds that Go holds in structs: `omitempty` has no effect on them.
_STRUCT_KINDS: Final = frozenset(
    (model.STRUCT, model.TIME, model.MICRO_TIME, model.QUANTITY, model.INT_OR_STRING, model.RAW, model.ANY)
)
#: Types whose empty lists stay what they are. All others go through protobuf on their way to etcd, also in a dry run,
#: which knows no empty lists: what has none any more is null.
_STORED_AS_JSON: Final = "io.k8s.apiextensions-apiserver."
_ZERO: Final[dict[str, Any]] = {
    model.STRING: "",
    model.BOOL: False,
    model.INT32: 0,
    model.INT64: 0,
    model.FLOAT64: 0,
    model.QUANTITY: "0",
    model.INT_OR_STRING: 0,
}


def compile_type(schema: TypeSchema, where: str = "") -> Callable[[Object], list[str]]:
    """The `TypeSchema.decode` of a struct; errors say that it is the field `where` of something larger."""
    handler = _Compiler().handler(schema)

    def decode(obj: Object) -> list[str]:
        unknown: list[str] = []
        try:
            handler(obj, unknown)
        except Mismatch as error:
            if where:
                error.within("", where)
            raise DecodeError(error.text(), error.conversion()) from None
        if not unknown:
            return unknown
        return [f"unknown field {fielderrors.go_quote(path)}" for path in dict.fromkeys(unknown[:_MOST_UNKNOWN])]

    return decode


#: Compiled structs, shared by all types that contain them.
_compiled: dict[int, tuple[TypeSchema, Handler]] = {}


class _Compiler:
    """Makes handlers; that of a struct's field is made when the first value of it comes by."""

    def handler(self, schema: TypeSchema) -> Handler:
        kind = schema.kind
        if kind == model.STRUCT:
            return self._shared(schema)
        if kind == model.LIST:
            return self._list(schema)
        if kind == model.MAP:
            return self._map(schema)
        if kind in (model.SCHEMA_OR_ARRAY, model.SCHEMA_OR_BOOL, model.SCHEMA_OR_STRINGS):
            return leaves.schema_or(kind, self.handler(schema.item))
        return leaves.handler(kind, schema.go_type)

    def zero(self, schema: TypeSchema) -> Any:
        """What Go writes for an element that was never set."""
        if schema.kind == model.STRUCT:
            fresh: Object = {}
            self.handler(schema)(fresh, [])
            return fresh
        return "" if schema.kind == model.BYTES else _ZERO.get(schema.kind)

    def _shared(self, schema: TypeSchema) -> Handler:
        known = _compiled.get(id(schema))
        if known is None:
            known = _compiled[id(schema)] = (schema, self._struct(schema))
        return known[1]

    def _struct(self, schema: TypeSchema) -> Handler:
        #: Filled as values come by, since types refer to each other in circles, and to many that are never seen.
        table: dict[str, tuple[type | None, Handler]] = {}
        always = [(field.name, self._absent(field)) for field in schema.fields.values() if not _left_out(field)]
        keeps_empty = schema.name.startswith(_STORED_AS_JSON)

        def first_met(name: str) -> tuple[type | None, Handler] | None:
            field = schema.fields.get(name)
            if field is None:
                return None
            made = table[name] = _QUICK.get(field.type.kind), self._field(field, keeps_empty=keeps_empty)
            return made

        lookup = table.get
        struct_name, go_type = schema.go_type.rpartition(".")[2], schema.go_type

        def decode(obj: Any, unknown: list[str]) -> Any:
            if obj.__class__ is not dict:
                raise Mismatch.of(obj, go_type, model.STRUCT)
            dropped: list[str] | None = None
            for name, value in obj.items():
                entry = lookup(name) or first_met(name)
                if entry is None:
                    unknown.append(name)
                    dropped = [name] if dropped is None else [*dropped, name]
                    continue
                if value.__class__ is entry[0] and value:
                    continue
                seen = len(unknown)
                try:
                    new = entry[1](value, unknown)
                except Mismatch as error:
                    error.within(struct_name, name)
                    raise
                if len(unknown) > seen:
                    _prefix(unknown, seen, name)
                if new is not value:
                    if new is _DROP:
                        dropped = [name] if dropped is None else [*dropped, name]
                    else:
                        obj[name] = new
            if dropped is not None:
                for name in dropped:
                    del obj[name]
            for name, absent in always:
                if name not in obj:
                    obj[name] = absent()
            return obj

        return decode

    def _absent(self, field: FieldSchema) -> Callable[[], Any]:
        """Makes the value of a field that is always written."""
        if field.pointer or field.type.kind not in _STRUCT_KINDS | _ZERO.keys():
            return lambda: None
        if field.type.kind == model.STRUCT:
            schema = field.type
            return lambda: self.zero(schema)
        value = _ZERO.get(field.type.kind)
        return lambda: value

    def _field(self, field: FieldSchema, *, keeps_empty: bool) -> Handler:
        """The handler of a value that may be null, may be zero, and may have to be left out.

        `keeps_empty`: an empty list is shown as such, not as null."""
        inner = self.handler(field.type)
        null = _DROP if _left_out(field) else None
        if field.pointer:

            def pointer(value: Any, unknown: list[str]) -> Any:
                new = None if value is None else inner(value, unknown)
                return null if new is None else new

            return pointer
        if not _left_out(field):
            absent = self._absent(field)
            if field.type.kind in (model.LIST, model.MAP) and not keeps_empty:
                return lambda value, unknown: None if value is None else inner(value, unknown) or None

            def kept(value: Any, unknown: list[str]) -> Any:
                return absent() if value is None else inner(value, unknown)

            return kept

        def dropped_when_zero(value: Any, unknown: list[str]) -> Any:
            if value is None:
                return _DROP
            return inner(value, unknown) or _DROP

        return dropped_when_zero

    def _list(self, schema: TypeSchema) -> Handler:
        item, go_type = schema.item, schema.go_type
        inner, nullable = self.handler(item), schema.element_pointer
        quick = _QUICK.get(item.kind)

        def decode(value: Any, unknown: list[str]) -> Any:
            if value.__class__ is not list:
                raise Mismatch.of(value, go_type, model.LIST)
            for index, element in enumerate(value):
                if element.__class__ is quick:
                    continue
                seen = len(unknown)
                if element is None:
                    value[index] = None if nullable else self.zero(item)
                    continue
                new = inner(element, unknown)
                if len(unknown) > seen:
                    _prefix(unknown, seen, f"[{index}]")
                if new is not element:
                    value[index] = new
            return value

        return decode

    def _map(self, schema: TypeSchema) -> Handler:
        item, go_type = schema.item, schema.go_type
        inner, nullable = self.handler(item), schema.element_pointer
        quick = _QUICK.get(item.kind)

        def decode(value: Any, unknown: list[str]) -> Any:
            if value.__class__ is not dict:
                raise Mismatch.of(value, go_type, model.MAP)
            for key, element in value.items():
                if element.__class__ is quick:
                    continue
                seen = len(unknown)
                if element is None:
                    value[key] = None if nullable else self.zero(item)
                    continue
                new = inner(element, unknown)
                if len(unknown) > seen:
                    _prefix(unknown, seen, key)
                if new is not element:
                    value[key] = new
            return value

        return decode


def _left_out(field: FieldSchema) -> bool:
    """Whether the field is not written when it has no value."""
    return field.omitempty and (field.pointer or field.type.kind not in _STRUCT_KINDS)


def _prefix(unknown: list[str], start: int, name: str) -> None:
    """Put the name of their parent before the paths that were found below it."""
    for at in range(start, len(unknown)):
        path = unknown[at]
        unknown[at] = name + path if path.startswith("[") else f"{name}.{path}"
