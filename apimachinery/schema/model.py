"""What a type of the API looks like: its fields, how lists merge, and how a value of it is decoded.

Pure. Built-in types come from `loader.py`, those of custom resources from `structural.py`; `compiler.py` turns a type
into the closure behind `TypeSchema.decode`. Patches and field management read the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apimachinery.objects import Object

#: The kinds of type. Scalars first; "any" is a value whose inside the schema does not know.
STRING: Final = "string"
BOOL: Final = "bool"
INT32: Final = "int32"
INT64: Final = "int64"
FLOAT64: Final = "float64"
BYTES: Final = "bytes"
TIME: Final = "time"
MICRO_TIME: Final = "microtime"
QUANTITY: Final = "quantity"
INT_OR_STRING: Final = "int-or-string"
RAW: Final = "raw"
SCHEMA_OR_ARRAY: Final = "schema-or-array"
SCHEMA_OR_BOOL: Final = "schema-or-bool"
SCHEMA_OR_STRINGS: Final = "schema-or-strings"
ANY: Final = "any"
STRUCT: Final = "struct"
LIST: Final = "list"
MAP: Final = "map"

ATOMIC: Final = "atomic"
SET: Final = "set"


class DecodeError(ValueError):
    """A value that does not fit its type; the text is that of Go's JSON decoder.

    `conversion` is what the reference says of the same value where it converts a map rather than decode bytes."""

    def __init__(self, text: str, conversion: str = "") -> None:
        super().__init__(text)
        self.conversion = conversion or text


@dataclass(slots=True, eq=False)
class FieldSchema:
    """One field of a struct."""

    name: str
    resolve: Callable[[], TypeSchema]
    pointer: bool = False  #: null and the type's zero value are different things
    omitempty: bool = True  #: the zero value is left out
    required: bool = False
    patch_strategies: tuple[str, ...] = ()  #: of strategic merge patch: "merge", "replace", "retainKeys"
    merge_key: str = ""
    _type: TypeSchema | None = None

    @property
    def type(self) -> TypeSchema:
        """The type of the field's value."""
        found = self._type
        if found is None:
            found = self._type = self.resolve()
        return found


@dataclass(slots=True, eq=False)
class TypeSchema:
    """One type. Shared and lazily completed; never changed by its users."""

    kind: str
    name: str = ""  #: the OpenAPI name of a struct
    go_type: str = ""  #: as Go's errors name it: "v1.PodSpec", "[]string"
    element: Callable[[], TypeSchema] | None = None  #: of lists, maps and structs with further properties
    element_pointer: bool = False
    list_type: str = ATOMIC  #: "atomic", "set" or "map"
    list_keys: tuple[str, ...] = ()
    atomic: bool = False  #: a map or struct that has one owner as a whole
    preserves_unknown: bool = False
    key_defaults: Mapping[str, Any] = field(default_factory=dict)
    _make_fields: Callable[[], dict[str, FieldSchema]] | None = None
    _fields: dict[str, FieldSchema] | None = None
    _item: TypeSchema | None = None
    _decode: Callable[[Object], list[str]] | None = None
    _places: dict[str, tuple[str, TypeSchema]] | None = None
    _zero: Object | None = None
    #: How values are merged: MAP by field, LIST by element, "" as a whole.
    shape: str = ""

    def __post_init__(self) -> None:
        if self.kind in (STRUCT, MAP, ANY) and not self.atomic:
            self.shape = MAP
        elif self.kind == LIST and self.list_type != ATOMIC:
            self.shape = LIST

    @property
    def fields(self) -> Mapping[str, FieldSchema]:
        """The fields of a struct by name; empty for other kinds."""
        if self._fields is None:
            self._fields = self._make_fields() if self._make_fields is not None else {}
            self._make_fields = None
        return self._fields

    def field_type(self, name: str) -> TypeSchema | None:
        """The type of a struct's field or a map's value; None where the schema knows none."""
        found = self.fields.get(name)
        if found is not None:
            return found.type
        return self.item if self.element is not None and self.kind != LIST else None

    @property
    def item(self) -> TypeSchema:
        """The type of a list's elements or a map's values; "any" where none is said."""
        found = self._item
        if found is None:
            found = self._item = self.element() if self.element is not None else UNTYPED
        return found

    @property
    def places(self) -> Mapping[str, tuple[str, TypeSchema]]:
        """The fields of a struct by name, each as its element in paths (FieldsV1) and its type."""
        found = self._places
        if found is None:
            found = self._places = {name: (f"f:{name}", each.type) for name, each in self.fields.items()}
        return found

    @property
    def zero(self) -> Object:
        """The object of this type in which nothing was set, as Go writes it. Shared: to be read only."""
        if self._zero is None:
            obj: Object = {}
            self.decode(obj)
            self._zero = obj
        return self._zero

    def decode(self, obj: Object) -> list[str]:
        """Check and normalise a decoded object in place as a round trip through the Go type would.

        Unknown fields are removed and returned as texts (`unknown field "spec.foo"`); raises DecodeError."""
        if self._decode is None:
            from apimachinery.schema.compiler import compile_type

            self._decode = compile_type(self)
        return self._decode(obj)


UNTYPED: Final = TypeSchema(ANY, go_type="interface {}")
