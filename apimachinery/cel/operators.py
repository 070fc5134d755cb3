"""CEL's operators on values (the language's standard definitions, in cel-go's words). Pure; raise EvaluationError."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from apimachinery.cel import values
from apimachinery.cel.checked import Uint
from apimachinery.cel.values import EvaluationError, MapList, SetList, no_overload

_DATES: Final = (datetime, timedelta)


def _whole(made: int, kind: type) -> int:
    """A result that still is a number of its type."""
    if kind is Uint:
        if 0 <= made <= values.UINT_MAX:
            return Uint(made)
        raise EvaluationError("unsigned integer overflow")
    if values.INT_MIN <= made <= values.INT_MAX:
        return made
    raise EvaluationError("integer overflow")


def add(left: Any, right: Any) -> Any:
    """Numbers, texts, bytes, lists, lengths of time, and moments with them."""
    kind, other = left.__class__, right.__class__
    if kind is other:
        if kind is int or kind is Uint:
            return _whole(int(left) + int(right), kind)
        if kind in (float, str, bytes):
            return left + right
    if isinstance(left, list) and isinstance(right, list):
        values.check_length(left, len(left) + len(right))
        return left.plus(right) if isinstance(left, (SetList, MapList)) else [*left, *right]
    if {kind, other} in ({timedelta}, {datetime, timedelta}):
        return _time(lambda: left + right)
    raise no_overload()


def subtract(left: Any, right: Any) -> Any:
    """Numbers, lengths of time, moments."""
    kind, other = left.__class__, right.__class__
    if kind is other and (kind is int or kind is Uint):
        return _whole(int(left) - int(right), kind)
    if kind is other is float:
        return left - right
    if other in _DATES and kind in _DATES and (kind is datetime or other is timedelta):
        return _time(lambda: left - right)
    raise no_overload()


def _time(made: Callable[[], Any]) -> Any:
    try:
        return made()
    except OverflowError as error:
        raise EvaluationError("timestamp overflow") from error


def multiply(left: Any, right: Any) -> Any:
    """Numbers of one type."""
    kind = left.__class__
    if kind is right.__class__:
        if kind is int or kind is Uint:
            return _whole(int(left) * int(right), kind)
        if kind is float:
            return left * right
    raise no_overload()


def divide(left: Any, right: Any) -> Any:
    """Numbers of one type; whole ones towards zero."""
    kind = left.__class__
    if kind is not right.__class__ or kind not in (int, Uint, float):
        raise no_overload()
    if kind is float:
        return _divided(left, right)
    if right == 0:
        raise EvaluationError("division by zero")
    return _whole(_quotient(int(left), int(right)), kind)


def _divided(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


def _quotient(left: int, right: int) -> int:
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


def modulo(left: Any, right: Any) -> Any:
    """The rest of a division of whole numbers, with the sign of what is divided."""
    kind = left.__class__
    if kind is not right.__class__ or kind not in (int, Uint):
        raise no_overload()
    if right == 0:
        raise EvaluationError("modulus by zero")
    return _whole(int(left) - int(right) * _quotient(int(left), int(right)), kind)


def negate(value: Any) -> Any:
    """A number, below zero."""
    if value.__class__ is int:
        return _whole(-value, int)
    if value.__class__ is float:
        return -value
    raise no_overload()


def invert(value: Any) -> bool:
    """A truth that is not one."""
    if value.__class__ is bool:
        return not value
    raise no_overload()


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(left: Any, right: Any) -> bool:
        values.check_comparable(left, right)
        return compare(left, right)

    return ordered


def index(holder: Any, at: Any) -> Any:
    """An element of a list, an entry of a map."""
    if holder.__class__ is dict:
        return select(holder, at)
    if not isinstance(holder, list):
        raise no_overload()
    if at.__class__ not in (int, Uint):
        if at.__class__ is not float or not at.is_integer():
            raise no_overload()
        at = int(at)
    if not 0 <= at < len(holder):
        raise EvaluationError(f"index out of bounds: {at}")
    return holder[at]


def select(holder: Any, name: Any) -> Any:
    """A field, by its name."""
    if holder.__class__ is dict:
        try:
            return holder[values.key_of(name)]
        except (KeyError, TypeError):
            raise EvaluationError(f"no such key: {name}") from None
    if hasattr(holder, "DESCRIPTOR") and hasattr(holder, str(name)):
        return getattr(holder, str(name))
    raise no_overload()


def has(holder: Any, name: str) -> bool:
    """Whether a field is there."""
    if holder.__class__ is dict:
        return name in holder
    if hasattr(holder, "DESCRIPTOR"):
        return hasattr(holder, name)
    raise no_overload()


#: Operators of two operands that need both.
BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "_+_": add,
    "_-_": subtract,
    "_*_": multiply,
    "_/_": divide,
    "_%_": modulo,
    "_==_": values.equals,
    "_!=_": lambda left, right: not values.equals(left, right),
    "_<_": _ordering(operator.lt),
    "_<=_": _ordering(operator.le),
    "_>_": _ordering(operator.gt),
    "_>=_": _ordering(operator.ge),
    "_[_]": index,
    "@in": lambda item, holder: values.contains(holder, item),
}
UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {"!_": invert, "-_": negate}
