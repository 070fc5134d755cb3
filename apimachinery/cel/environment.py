"""Compiling CEL expressions, checked against the types of their variables, and programs to evaluate them.

Types are checked by the library; `evaluation` walks the tree that it makes, on plain JSON values, with moments as
datetime and lengths of time as timedelta."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from apimachinery.cel import checked, evaluation, library, literals
from apimachinery.cel.evaluation import Meter
from apimachinery.cel.types import DYN, Type

_OBJECTS: Final = "kubernetes.object"
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WRAPPED: Final = re.compile(r"\A[A-Z_]+: (.*?)(?: \[[A-Z_]+\])?\Z", re.DOTALL)
_MISFIT: Final = re.compile(
    r"<input>:(?P<line>\d+):(?P<column>\d+): found no matching overload for '(?P<name>\w+)' applied to "
    r"'\((?P<operands>[^']*)\)'"
)
_DECLARED: Final = re.compile(rf"{re.escape(_OBJECTS)}\.T(\d+)")
_STRUCT: Final = re.compile(r" not found in struct '[^']*'")
_PROTO_SCALARS: Final = {"bool": 8, "int": 3, "uint": 4, "double": 1, "string": 9, "bytes": 12}
_PROTO_KNOWN: Final = {"timestamp": "Timestamp", "duration": "Duration"}


class CompileError(Exception):
    """No expression, or one that does not fit its variables: `ERROR: <input>:1:5: undefined field 'foo'` and where."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of an expression that fits its variables."""

    result: str  #: "bool", "string", "list", "dyn", ...
    tree: checked.Node

    def uses(self, variable: str) -> bool:
        """Whether it says something of a variable."""
        return any(node.kind == "ident" and node.name == variable for node in self.tree.walk())


class Environment:
    """Variables of certain types, for checking. Objects that the library cannot declare (of tens of thousands of
    fields, or with names that are one to protobuf) count as of any type: less is found out, nothing is refused."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        #: The objects' types in the order in which they are declared.
        self._objects = [inner for each in variables.values() for inner in each.objects()]
        try:
            self._env = _typed(variables, self._objects)
        except (TypeError, ValueError, RuntimeError):
            known = {name: DYN if list(each.objects()) else each for name, each in variables.items()}
            self._env = _typed(known, ())

    def check(self, text: str) -> Checked:
        """Raises CompileError."""
        try:
            compiled = _compiled(self._env, text)
            return Checked(_word(compiled.return_type()), _tree(compiled, text))
        except CompileError as error:
            told = _DECLARED.sub(lambda each: self._objects[int(each[1])].name, str(error))
            raise CompileError(told) from error.__cause__


class Program:
    """An expression to be evaluated again and again; `names` are its variables."""

    __slots__ = ("_evaluate", "tree")

    def __init__(self, text: str, names: Sequence[str]) -> None:
        """Raises CompileError."""
        #: What it is made of.
        self.tree = _tree(_compiled(_untyped(tuple(names)), text), text)
        self._evaluate = evaluation.compiled(self.tree)

    def evaluate(self, variables: Mapping[str, Any], meter: Meter | None = None) -> Any:
        """Its value; raises EvaluationError. The meter is told what that cost."""
        return self._evaluate(variables, meter or Meter())


def _typed(variables: Mapping[str, Type], objects: Sequence[Type]) -> Any:
    loaded = library.load()
    pool = library.new_pool()
    names = _declare(pool, objects)
    typed = {name: _library_type(loaded.cel, each, names) for name, each in variables.items()}
    return loaded.cel.NewEnv(pool, variables=typed, extensions=list(loaded.extensions))


@lru_cache(maxsize=16)
def _untyped(names: tuple[str, ...]) -> Any:
    loaded = library.load()
    variables = dict.fromkeys(names, loaded.cel.Type.DYN)
    return loaded.cel.NewEnv(library.new_pool(), variables=variables, extensions=list(loaded.extensions))


def _compiled(env: Any, text: str) -> Any:
    try:
        return env.compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        found = _WRAPPED.match(str(error))
        told = _STRUCT.sub("", found[1] if found else str(error))
        raise CompileError(_MISFIT.sub(lambda each: _as_member(each, text), told)) from error


def _tree(compiled: Any, text: str) -> checked.Node:
    try:
        tree = checked.decode(compiled.serialize())
    except checked.TooDeep as error:
        raise CompileError("ERROR: <input>:-1:-1: expression recursion limit exceeded") from error
    if found := literals.mismatches(tree):
        raise CompileError("\n".join(_misfit(each, text) for each in found))
    return tree


def _misfit(found: literals.Mismatch, text: str) -> str:
    """As cel-go tells errors of types: what, and where."""
    before = text[: found.offset].split("\n")
    line = text.split("\n")[len(before) - 1].replace("\t", " ")
    dots = "".join("." if char.isascii() else "\uff0e" for char in before[-1])
    told = f"expected type '{found.expected}' but found '{found.found}'"
    return f"ERROR: <input>:{len(before)}:{len(before[-1]) + 1}: {told}\n | {line}\n | {dots}^"


def _as_member(found: re.Match[str], text: str) -> str:
    """A call that fits no overload: cel-go puts what stands before the dot of a member before the rest."""
    lines = text.split("\n")
    before = lines[int(found["line"]) - 1][: int(found["column"]) - 1]
    if not re.search(rf"\.\s*{re.escape(found['name'])}\s*\Z", before):
        return found[0]
    operands = _operands(found["operands"])
    return found[0].replace(f"({found['operands']})", f"{operands[0]}.({', '.join(operands[1:])})")


def _operands(listed: str) -> list[str]:
    """Types between commas; those of maps have commas of their own."""
    out, depth = [""], 0
    for char in listed:
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            out.append("")
        else:
            out[-1] += char
    return [each.strip() for each in out]


def _word(kind: Any) -> str:
    name: str = kind.name().lower()
    return name.partition("<")[0].partition("(")[0]


def _declare(pool: Any, objects: Sequence[Type]) -> dict[int, str]:
    """Declare a message per object type; their names by the types' identities."""
    from google.protobuf import descriptor_pb2

    file = descriptor_pb2.FileDescriptorProto(name="kubernetes/object.proto", package=_OBJECTS, syntax="proto2")
    file.dependency.extend(f"google/protobuf/{name}.proto" for name in ("struct", "timestamp", "duration"))
    names = {id(each): f"{_OBJECTS}.T{index}" for index, each in enumerate(objects)}
    for index, each in enumerate(objects):
        message = file.message_type.add(name=f"T{index}")
        fields = [name for name in each.fields if _IDENTIFIER.match(name)]
        for at, name in enumerate(fields):
            number = at + 1 if at < 18_000 else at + 2_001  # the numbers between are reserved
            _add_field(message, name, number, each.fields[name], names)
    pool.AddSerializedFile(file.SerializeToString())
    return names


def _add_field(message: Any, name: str, number: int, kind: Type, names: Mapping[int, str]) -> None:
    element = kind.element
    if kind.name == "list" and element is not None and element.name not in ("list", "map"):
        _set_type(message.field.add(name=name, number=number, label=3), element, names)
    elif kind.name == "map" and element is not None and element.name not in ("list", "map"):
        entry = message.nested_type.add(name=f"{_camel(name)}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, type=_PROTO_SCALARS["string"], label=1)
        _set_type(entry.field.add(name="value", number=2, label=1), element, names)
        made = message.field.add(name=name, number=number, label=3, type=11)
        made.type_name = f".{_OBJECTS}.{message.name}.{entry.name}"
    else:
        _set_type(message.field.add(name=name, number=number, label=1), kind, names)


def _camel(name: str) -> str:
    """A map entry's name, as protoc derives it from the field's: anything else is refused."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _set_type(made: Any, kind: Type, names: Mapping[int, str]) -> None:
    if kind.name in _PROTO_SCALARS:
        made.type = _PROTO_SCALARS[kind.name]
        return
    made.type = 11
    if kind.is_object:
        made.type_name = f".{names[id(kind)]}"
    elif kind.name.startswith("kubernetes."):
        made.type_name = f".{kind.name}"
    else:
        made.type_name = f".google.protobuf.{_PROTO_KNOWN.get(kind.name, 'Value')}"


def _library_type(cel: Any, kind: Type, names: Mapping[int, str]) -> Any:
    if kind.is_object:
        return cel.Type(names[id(kind)])
    element = _library_type(cel, kind.element, names) if kind.element is not None else cel.Type.DYN
    if kind.name.startswith("kubernetes."):
        return cel.Type(kind.name)
    match kind.name:
        case "list":
            return cel.Type.List(element)
        case "map":
            return cel.Type.Map(cel.Type.STRING, element)
    return getattr(cel.Type, kind.name.upper())
