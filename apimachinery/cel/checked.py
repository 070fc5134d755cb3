"""Checked expressions as trees, from the serialized cel.expr.CheckedExpr of the CEL specification. Pure.

Only what estimating, evaluating and asking for names needs is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

_PACKAGE: Final = "kubernetes.cel"
#: message -> its fields as name: (number, type); a type with a leading "*" is repeated, "#" marks a map from int64.
_MESSAGES: Final[Mapping[str, Mapping[str, tuple[int, str]]]] = {
    "Checked": {"references": (2, "#Reference"), "types": (3, "#Type"), "expr": (4, "Expr"), "source": (5, "Source")},
    "Source": {"positions": (4, "*Position")},
    "Position": {"id": (1, "int64"), "offset": (2, "int64")},
    "Reference": {"name": (1, "string"), "overloads": (3, "*string")},
    "Type": {
        "dyn": (1, "Nothing"), "null": (2, "int64"), "primitive": (3, "int64"), "well_known": (5, "int64"),
        "list": (6, "ListType"), "map": (7, "MapType"), "message": (9, "string"), "type": (11, "Type"),
    },
    "ListType": {"element": (1, "Type")},
    "MapType": {"key": (1, "Type"), "value": (2, "Type")},
    "Nothing": {},
    "Constant": {
        "null": (1, "int64"), "truth": (2, "bool"), "int": (3, "int64"), "uint": (4, "uint64"), "double": (5, "double"),
        "text": (6, "string"), "data": (7, "bytes"),
    },
    "Expr": {
        "id": (2, "int64"), "const": (3, "Constant"), "ident": (4, "Ident"), "select": (5, "Select"),
        "call": (6, "Call"), "list": (7, "List"), "struct": (8, "Struct"), "comprehension": (9, "Comprehension"),
    },
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, "Expr"), "field": (2, "string"), "test_only": (3, "bool")},
    "Call": {"target": (1, "Expr"), "function": (2, "string"), "args": (3, "*Expr")},
    "List": {"elements": (1, "*Expr")},
    "Struct": {"name": (1, "string"), "entries": (2, "*Entry")},
    "Entry": {"key": (3, "Expr"), "value": (4, "Expr")},
    "Comprehension": {
        "variable": (1, "string"), "range": (2, "Expr"), "accumulator": (3, "string"), "initial": (4, "Expr"),
        "condition": (5, "Expr"), "step": (6, "Expr"), "result": (7, "Expr"), "second": (8, "string"),
    },
}  # fmt: skip
_SCALARS: Final = {"string": 9, "int64": 3, "uint64": 4, "double": 1, "bool": 8, "bytes": 12}
#: Type.PrimitiveType and Type.WellKnownType from 1 on.
_PRIMITIVES: Final = ("bool", "int", "uint", "double", "string", "bytes")
_WELL_KNOWN: Final = ("any", "timestamp", "duration")
#: Primitives that have a length.
_TEXTS: Final = frozenset({"string", "bytes"})


class TooDeep(Exception):
    """An expression of loops in loops, beyond what messages may be nested."""


class Uint(int):
    """An unsigned number, which is another type than a signed one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A type in full. `name` is "int", "list", "map", "null", "type", "timestamp", "dyn", ... or a message's name."""

    name: str
    parameters: tuple[Form, ...] = ()  #: the element's of a list, those of a map's keys and values

    def __str__(self) -> str:
        """As cel-go writes it."""
        return f"{self.name}({', '.join(map(str, self.parameters))})" if self.parameters else self.name


_DYN: Final = Form("dyn")


@dataclass(frozen=True, slots=True)
class Node:
    """One expression. `kind` is "const", "ident", "select", "has", "call", "list", "map", "object" or "comprehension".

    `parts` are the inner expressions: operand; target (if any) and arguments; elements; keys and values; and of a
    comprehension range, initial, condition, step and result."""

    kind: str
    id: int
    name: str = ""  #: of an identifier, field, function, or a comprehension's variable
    parts: Sequence[Node] = ()
    has_target: bool = False
    overloads: Sequence[str] = ()
    type: str = ""  #: "list", "map", "object", "string", "bytes", "dyn", or "" for what has no length
    element: str = ""  #: the same of a list's items
    length: int | None = field(default=None)  #: of a literal
    value: Any = None  #: of a literal
    accumulator: str = ""  #: of a comprehension
    form: Form = _DYN
    offset: int = 0  #: where it stands, in characters

    def walk(self) -> Iterator[Node]:
        """This and every inner expression."""
        yield self
        for part in self.parts:
            yield from part.walk()


def decode(serialized: bytes) -> Node:
    """The tree of a serialized expression (an Any that holds the CheckedExpr); raises TooDeep."""
    from google.protobuf import any_pb2
    from google.protobuf.message import DecodeError

    packed = any_pb2.Any.FromString(serialized)
    try:
        checked = _class_of("Checked").FromString(packed.value)
    except DecodeError as error:
        raise TooDeep from error
    return _Reader(checked).node(checked.expr)


class _Reader:
    def __init__(self, checked: Any) -> None:
        self._references = checked.references
        self._types = checked.types
        self._offsets = {each.id: each.offset for each in checked.source.positions}

    def node(self, expr: Any) -> Node:
        kind = next((name for name in _MESSAGES["Expr"] if name != "id" and expr.HasField(name)), "")
        kind_of, element = self._type(expr.id)
        overloads = tuple(self._references[expr.id].overloads) if expr.id in self._references else ()
        name, parts, length, has_target, value, accumulator = "", [], None, False, None, ""
        match kind:
            case "const":
                held = expr.const
                value = _literal(held)
                length = len(held.text.encode()) if held.HasField("text") else len(held.data) if held.data else None
            case "ident":
                name = expr.ident.name
            case "select":
                kind, name, parts = ("has" if expr.select.test_only else kind), expr.select.field, [expr.select.operand]
            case "call":
                name, has_target = expr.call.function, expr.call.HasField("target")
                parts = [*([expr.call.target] if has_target else []), *expr.call.args]
            case "list":
                parts, length = list(expr.list.elements), len(expr.list.elements)
            case "struct":
                kind, length = ("object" if expr.struct.name else "map"), len(expr.struct.entries)
                parts = [part for entry in expr.struct.entries for part in (entry.key, entry.value)]
            case "comprehension":
                loop = expr.comprehension
                name, accumulator = loop.variable, loop.accumulator
                parts = [loop.range, loop.initial, loop.condition, loop.step, loop.result]
        inner = [self.node(part) for part in parts]
        return Node(
            kind or "const", expr.id, name, inner, has_target, overloads, kind_of, element, length, value, accumulator,
            _form(self._types[expr.id]) if expr.id in self._types else _DYN, self._offsets.get(expr.id, 0),
        )  # fmt: skip

    def _type(self, expr_id: int) -> tuple[str, str]:
        if expr_id not in self._types:
            return "", ""
        found = self._types[expr_id]
        element = _word(found.list.element) if found.HasField("list") else ""
        return _word(found), element


def _literal(held: Any) -> Any:
    """The value of a constant: Python's, but for unsigned numbers."""
    name = next((name for name in _MESSAGES["Constant"] if held.HasField(name)), "null")
    if name == "null":
        return None
    return Uint(held.uint) if name == "uint" else getattr(held, name)


def _word(found: Any) -> str:
    for name, word in (("list", "list"), ("map", "map"), ("message", "object"), ("dyn", "dyn")):
        if found.HasField(name):
            return word
    name = _PRIMITIVES[found.primitive - 1] if found.primitive else ""
    return name if name in _TEXTS else ""


def _form(found: Any) -> Form:
    if found.HasField("primitive"):
        return Form(_PRIMITIVES[found.primitive - 1])
    if found.HasField("well_known"):
        return Form(_WELL_KNOWN[found.well_known - 1])
    if found.HasField("list"):
        return Form("list", (_form(found.list.element),))
    if found.HasField("map"):
        return Form("map", (_form(found.map.key), _form(found.map.value)))
    if found.HasField("type"):
        return Form("type", (_form(found.type),))
    if found.HasField("message"):
        return Form(found.message)
    return Form("null") if found.HasField("null") else _DYN


@lru_cache(maxsize=32)
def _class_of(name: str) -> Any:
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@lru_cache(maxsize=1)
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(name="kubernetes/checked.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            _add_field(message, field_name, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add_field(message: Any, name: str, number: int, kind: str) -> None:
    repeated = kind[0] in "*#"
    made = message.field.add(name=name, number=number, label=3 if repeated else 1)
    word = kind.lstrip("*#")
    if kind[0] == "#":
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_SCALARS["int64"], label=1)
        entry.field.add(name="value", number=2, type=11, type_name=f".{_PACKAGE}.{word}", label=1)
        made.type, made.type_name = 11, f".{_PACKAGE}.{message.name}.{entry.name}"
    elif word in _SCALARS:
        made.type = _SCALARS[word]
    else:
        made.type, made.type_name = 11, f".{_PACKAGE}.{word}"
