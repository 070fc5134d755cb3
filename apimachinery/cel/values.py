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


class CostExceeded(EvaluationError):
    """An expression that costs more than one may."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


#: PerCallLimit: the most that one expression costs.
CALL_LIMIT: Final = 1_000_000
#: Of a step, for each byte of a text that is passed over.
TEXT_FACTOR: Final = 0.1
_LONGEST_TEXT: Final = int(CALL_LIMIT / TEXT_FACTOR)


def check_length(made: str | list[Any], length: int) -> None:
    """Raises CostExceeded before a text or list is made, like this one, that could not even be looked at once."""
    if length > (_LONGEST_TEXT if isinstance(made, str) else CALL_LIMIT):
        raise CostExceeded


class TypeName(str):
    """A type as a value: what type() gives, and what the names of types stand for. It is no text."""

    __slots__ = ()


class SetList(list[Any]):
    """A list whose order means nothing: equal to any that has the same elements, and added to without repeating any."""

    __slots__ = ()

    def equals(self, other: list[Any]) -> bool:
        """Whether both have the same elements, which each has once."""
        return len(self) == len(other) and set(map(_token, self)) == set(map(_token, other))

    def plus(self, other: list[Any]) -> SetList:
        """The elements of both."""
        present = set(map(_token, self))
        return SetList([*self, *(each for each in other if _token(each) not in present)])


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


def _token(value: Any) -> Any:
    """What is equal, and has the same hash, for equal values only: sets may be too large to compare each with each."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list):
        return list, tuple(map(_token, value))
    if isinstance(value, dict):
        return dict, frozenset((key, _token(each)) for key, each in value.items())
    return value


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
