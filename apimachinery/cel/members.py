"""The functions of texts, moments and lengths of time that CEL and its strings extension have, as v1.28 has them. Pure.

Each raises EvaluationError, or ValueError where `apimachinery.cel.functions` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apimachinery.cel import authorizer, conversions, functions, values
from apimachinery.cel.values import EvaluationError, no_overload

Function = Callable[..., Any]
_ASCII_LOWER: Final = {code: code + 32 for code in range(65, 91)}
_ASCII_UPPER: Final = {code: code - 32 for code in range(97, 123)}
_SPACES: Final = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def _texts(function: Function) -> Function:
    """For functions whose first two operands are texts."""

    def checked(text: Any, other: Any, *more: Any) -> Any:
        if text.__class__ is not str or other.__class__ is not str:
            raise no_overload()
        return function(text, other, *more)

    return checked


def _text(function: Function) -> Function:
    """For functions of one text, and numbers perhaps."""

    def checked(text: Any, *more: Any) -> Any:
        if text.__class__ is not str or any(each.__class__ is not int for each in more):
            raise no_overload()
        return function(text, *more)

    return checked


def _char_at(text: str, at: int) -> str:
    if not 0 <= at <= len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text[at : at + 1]


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else end
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= last <= len(text):
        raise EvaluationError(f"index out of range: {last}")
    if start > last:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _index_of(holder: Any, item: Any, start: int = 0) -> int:
    if isinstance(holder, list):
        return next((at for at, each in enumerate(holder) if values.equals(each, item)), -1)
    if holder.__class__ is not str or item.__class__ is not str:
        raise no_overload()
    if not 0 <= start <= len(holder):
        raise EvaluationError(f"index out of range: {start}")
    return holder.find(item, start)


def _last_index_of(holder: Any, item: Any, start: int | None = None) -> int:
    if isinstance(holder, list):
        return next((at for at in range(len(holder) - 1, -1, -1) if values.equals(holder[at], item)), -1)
    if holder.__class__ is not str or item.__class__ is not str:
        raise no_overload()
    if start is None:
        return holder.rfind(item)
    if not 0 <= start <= len(holder):
        raise EvaluationError(f"index out of range: {start}")
    return holder.rfind(item, 0, start + len(item))


def _replace(text: str, old: str, new: Any, limit: Any = -1) -> str:
    if new.__class__ is not str or limit.__class__ is not int:
        raise no_overload()
    times = text.count(old) if limit < 0 else min(text.count(old), limit)
    values.check_length(text, len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: Any = -1) -> list[str]:
    if limit.__class__ is not int:
        raise no_overload()
    if limit == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if limit < 0 or len(parts) <= limit else [*parts[: limit - 1], text[limit - 1 :]]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _join(parts: Any, between: Any = "") -> str:
    if not isinstance(parts, list) or any(each.__class__ is not str for each in (*parts, between)):
        raise no_overload()
    values.check_length(between, sum(map(len, parts)) + len(between) * len(parts))
    return str(between).join(parts)


def _list(function: Callable[[Sequence[Any]], Any]) -> Function:
    """For functions of a list whose elements have an order."""

    def checked(holder: Any) -> Any:
        if not isinstance(holder, list):
            raise no_overload()
        for one, other in pairwise(holder):
            values.check_comparable(one, other)
        return function(holder)

    return checked


def _zone(name: str) -> timezone | ZoneInfo:
    sign, rest = (-1, name[1:]) if name[:1] == "-" else (1, name.removeprefix("+"))
    hours, colon, minutes = rest.partition(":")
    if colon and hours.isdigit() and minutes.isdigit():
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes)))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise EvaluationError(f"unknown time zone {name}") from error


def _of_moment(part: Callable[[datetime], int], of_length: Callable[[timedelta], int] | None = None) -> Function:
    """A part of a moment, in a zone perhaps; or all of a length of time in that unit."""

    def found(value: Any, zone: Any = "UTC") -> int:
        if value.__class__ is timedelta and of_length is not None:
            return of_length(value)
        if value.__class__ is not datetime or zone.__class__ is not str:
            raise no_overload()
        try:
            return part(value.astimezone(_zone(zone)))
        except (OverflowError, ValueError) as error:
            raise EvaluationError(f"invalid timestamp: {error}") from error

    return found


def _whole(unit: timedelta) -> Callable[[timedelta], int]:
    return lambda length: int(length / unit)


def _of_url(part: Callable[[str], Any]) -> Function:
    def found(url: Any) -> Any:
        if url.__class__ is not _Url:
            raise no_overload()
        return part(url.text)

    return found


class _Url:
    """What url() makes."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        functions.parse_url(text)
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Url) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


#: By name; the operand before the dot comes first.
FUNCTIONS: Final[Mapping[str, Function]] = {
    **conversions.CONVERSIONS,
    **authorizer.FUNCTIONS,
    "contains": _texts(lambda text, part: part in text),
    "startsWith": _texts(str.startswith),
    "endsWith": _texts(str.endswith),
    "matches": _texts(functions.matches),
    "charAt": _text(_char_at),
    "substring": _text(_substring),
    "lowerAscii": _text(lambda text: text.translate(_ASCII_LOWER)),
    "upperAscii": _text(lambda text: text.translate(_ASCII_UPPER)),
    "trim": _text(lambda text: text.strip(_SPACES)),
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "replace": _texts(_replace),
    "split": _texts(_split),
    "join": _join,
    "isSorted": _list(functions.is_sorted),
    "sum": _list(functions.total),
    "min": _list(functions.least),
    "max": _list(functions.greatest),
    "find": _texts(functions.find),
    "findAll": _texts(functions.find_all),
    "url": _text(_Url),
    "isURL": _text(functions.is_url),
    "getScheme": _of_url(lambda text: functions.parse_url(text).scheme),
    "getHost": _of_url(functions.host),
    "getHostname": _of_url(functions.hostname),
    "getPort": _of_url(functions.port),
    "getEscapedPath": _of_url(lambda text: functions.parse_url(text).path),
    "getQuery": _of_url(functions.query),
    "getFullYear": _of_moment(lambda moment: moment.year),
    "getMonth": _of_moment(lambda moment: moment.month - 1),
    "getDate": _of_moment(lambda moment: moment.day),
    "getDayOfMonth": _of_moment(lambda moment: moment.day - 1),
    "getDayOfWeek": _of_moment(lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _of_moment(lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _of_moment(lambda moment: moment.hour, _whole(timedelta(hours=1))),
    "getMinutes": _of_moment(lambda moment: moment.minute, _whole(timedelta(minutes=1))),
    "getSeconds": _of_moment(lambda moment: moment.second, _whole(timedelta(seconds=1))),
    "getMilliseconds": _of_moment(lambda moment: moment.microsecond // 1000, _whole(timedelta(milliseconds=1))),
}
