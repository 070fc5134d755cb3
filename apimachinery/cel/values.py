"""What values are to expressions: their types, equality, order and sizes. Pure.

JSON values are themselves; unsigned numbers are `Uint`, moments and lengths of time are datetime (with a zone) and
timedelta. Whole numbers and fractions are compared as numbers, all else equals only its own type, as cel-go has it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from apimachinery.cel.checked import Uint

INT_MIN: Final = -(1 << 63)
INT_MAX: Final = (1 << 63) - 1
UINT_MAX: Final = (1 << 64) - 1
_NAMES: Final[Mapping[type, str]] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    datetime: "google.protobuf.Timestamp",
    timedelta: "google.protobuf.Duration",
    type(None): "null_type",
}
_ORDERED: Final = frozenset({bool, str, bytes, datetime, timedelta})
_NUMBERS: Final = frozenset({int, Uint, float})


class EvaluationError(Exception):
    """An expression that has no value for these variables: "no such key: x", "division by zero", ..."""


class TypeName(str):
    """A type as a value: what type() gives, and what the names of types stand for."""

    __slots__ = ()


def no_overload() -> EvaluationError:
    """For a function or operator that does not take values of these types."""
    return EvaluationError("no such overload")


def type_of(value: Any) -> TypeName:
    """The type of a value."""
    if value.__class__ is TypeName:
        return TypeName("type")
    return TypeName(_NAMES.get(value.__class__) or value.DESCRIPTOR.full_name)


def equals(left: Any, right: Any) -> bool:
    """Whether two values are equal; raises nothing."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is list:
            return len(left) == len(right) and all(map(equals, left, right))
        if kind is dict:
            return left.keys() == right.keys() and all(equals(value, right[key]) for key, value in left.items())
        return bool(left == right)
    return kind in _NUMBERS and right.__class__ in _NUMBERS and bool(left == right)


def contains(holder: Any, item: Any) -> bool:
    """Whether a list has an equal element, or a map the key."""
    if holder.__class__ is dict:
        return key_of(item) in holder if item.__class__ in _KEYS else False
    if holder.__class__ is list:
        return any(equals(item, each) for each in holder)
    raise no_overload()


_KEYS: Final = frozenset({str, int, Uint, bool, float})


def key_of(key: Any) -> Any:
    """A key as maps have it: truths are no numbers."""
    return ("bool", key) if key.__class__ is bool else key


def check_comparable(left: Any, right: Any) -> None:
    """Raises EvaluationError for values that have no order."""
    kind, other = left.__class__, right.__class__
    if not ((kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS)):
        raise no_overload()


def size(value: Any) -> int:
    """How many characters, bytes, elements or entries there are."""
    if value.__class__ in (str, bytes, list, dict):
        return len(value)
    raise no_overload()


def cost_size(value: Any) -> int:
    """What the cost of walking through a value is counted by: 1 for what has no length."""
    return len(value) if value.__class__ in (str, bytes, list, dict) else 1
