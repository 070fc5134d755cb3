"""What values are to expressions: their types, equality, order and sizes. Pure.

JSON values are themselves; unsigned numbers are `Uint`, moments and lengths of time are datetime (with a zone) and
timedelta. Whole numbers and fractions are compared as numbers, all else equals only its own type, as cel-go has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """A type as a value: what type() gives, and what the names of types stand for. It is no text."""

    __slots__ = ()


class SetList(list[Any]):
    """A list whose order means nothing: equal to any that has the same elements, and added to without repeating any."""

    __slots__ = ()

    def equals(self, other: list[Any]) -> bool:
        """Whether both have the same elements, which each has once."""
        return len(self) == len(other) and all(contains(other, each) for each in self)

    def plus(self, other: list[Any]) -> SetList:
        """The elements of both."""
        return SetList([*self, *(each for each in other if not contains(self, each))])


class MapList(list[Any]):
    """A list whose elements are told apart by some of their fields, as a map's entries by its keys."""

    __slots__ = ("keys",)

    def __init__(self, items: Iterable[Any], keys: Sequence[str]) -> None:
        super().__init__(items)
        self.keys = keys

    def _entries(self, items: list[Any]) -> dict[tuple[Any, ...], Any]:
        return {tuple(_of(each, key) for key in self.keys): each for each in items}

    def equals(self, other: list[Any]) -> bool:
        """Whether both have equal elements, in whatever order."""
        return len(self) == len(other) and equals(self._entries(self), self._entries(other))

    def plus(self, other: list[Any]) -> MapList:
        """The elements of both, those of `other` in the place of any with the same keys."""
        return MapList({**self._entries(self), **self._entries(other)}.values(), self.keys)


def _of(item: Any, key: str) -> Any:
    """The value of a key field, as a key."""
    found = item.get(key) if isinstance(item, dict) else None
    return (found.__class__, found) if found.__class__ in _KEYS else None


def no_overload() -> EvaluationError:
    """For a function or operator that does not take values of these types."""
    return EvaluationError("no such overload")


def type_of(value: Any) -> TypeName:
    """The type of a value."""
    if value.__class__ is TypeName:
        return TypeName("type")
    if isinstance(value, list):
        return TypeName("list")
    return TypeName(_NAMES.get(value.__class__) or value.DESCRIPTOR.full_name)


def equals(left: Any, right: Any) -> bool:
    """Whether two values are equal; raises nothing."""
    kind = left.__class__
    if kind in _SPECIAL_LISTS and isinstance(right, list):
        return bool(left.equals(right))
    if kind is right.__class__ or (kind is list and isinstance(right, list)):
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
    if isinstance(holder, list):
        return any(equals(item, each) for each in holder)
    raise no_overload()


_KEYS: Final = frozenset({str, int, Uint, bool, float})
_SPECIAL_LISTS: Final = frozenset({SetList, MapList})


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
    if isinstance(value, (str, bytes, list, dict)):
        return len(value)
    raise no_overload()


def cost_size(value: Any) -> int:
    """What the cost of walking through a value is counted by: 1 for what has no length."""
    return len(value) if isinstance(value, (str, bytes, list, dict)) else 1
