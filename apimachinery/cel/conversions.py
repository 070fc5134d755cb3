"""CEL's conversions between types, int(), string() and so on, with Go's words for what has no value. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from apimachinery.cel import values
from apimachinery.cel.checked import Uint
from apimachinery.cel.values import EvaluationError, no_overload
from apimachinery.fielderrors import go_quote

#: Numbers of more digits before the point are shown with an exponent.
_SHORT_DIGITS: Final = 6
_MOST_DIGITS: Final = 64
_LONGEST_DURATION: Final = 256
_WHOLE: Final = re.compile(r"[+-]?\d+\Z")
_REAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z|[+-]?(inf|infinity|nan)\Z", re.IGNORECASE)
_TRUTHS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z"
)  # fmt: skip
_PARTS: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def to_int(value: Any) -> int:
    """Of numbers, texts and moments (seconds)."""
    kind = value.__class__
    if kind is int:
        return int(value)
    if kind is Uint or kind is float:
        if kind is float and not math.isfinite(value):
            raise EvaluationError("integer overflow")
        return _fits(int(value), values.INT_MIN, values.INT_MAX, "integer overflow")
    if kind is str:
        return _parsed(value, "ParseInt", values.INT_MIN, values.INT_MAX)
    if kind is datetime:
        return _whole_seconds(value)
    if kind is timedelta:
        return int(value // timedelta(microseconds=1)) * 1000
    raise no_overload()


def _whole_seconds(moment: datetime) -> int:
    return math.floor(moment.timestamp())


def to_uint(value: Any) -> Uint:
    """Of numbers and texts."""
    kind = value.__class__
    if kind is Uint:
        return Uint(value)
    if kind is int or (kind is float and math.isfinite(value)):
        return Uint(_fits(int(value), 0, values.UINT_MAX, "unsigned integer overflow"))
    if kind is str:
        return Uint(_parsed(value, "ParseUint", 0, values.UINT_MAX))
    raise no_overload()


def _fits(number: int, least: int, most: int, problem: str) -> int:
    if least <= number <= most:
        return number
    raise EvaluationError(problem)


def _parsed(text: str, function: str, least: int, most: int) -> int:
    if not _WHOLE.match(text):
        raise EvaluationError(f"strconv.{function}: parsing {go_quote(text)}: invalid syntax")
    # More digits than any number of 64 bits has are not worth being read.
    number = int(text) if len(text) <= _MOST_DIGITS else most + 1
    return _fits(number, least, most, f"strconv.{function}: parsing {go_quote(text)}: value out of range")


def to_double(value: Any) -> float:
    """Of numbers and texts."""
    if value.__class__ in (int, Uint, float):
        return float(value)
    if value.__class__ is str:
        if not _REAL.match(value):
            raise EvaluationError(f"strconv.ParseFloat: parsing {go_quote(value)}: invalid syntax")
        return float(value)
    raise no_overload()


def to_bool(value: Any) -> bool:
    """Of texts."""
    if value.__class__ is bool:
        return bool(value)
    if value.__class__ is str:
        if value not in _TRUTHS:
            raise EvaluationError("type conversion error from 'string' to 'bool'")
        return _TRUTHS[value]
    raise no_overload()


def to_bytes(value: Any) -> bytes:
    """Of texts."""
    if value.__class__ is str:
        return bytes(value.encode())
    if value.__class__ is bytes:
        return bytes(value)
    raise no_overload()


def to_string(value: Any) -> str:
    """Of scalars."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is Uint:
        return str(int(value))
    if kind is float:
        return double_text(value)
    if kind is bytes:
        return _decoded(value)
    if kind is datetime:
        return _moment_text(value)
    if kind is timedelta:
        return _number_text(value.total_seconds()) + "s"
    raise no_overload()


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from error


def double_text(value: float) -> str:
    """A double as strconv.FormatFloat(value, 'g', -1, 64) shows it."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = len(digits) + int(exponent) - 1
    if -4 <= power < _SHORT_DIGITS or not value:
        return _number_text(value)
    shown = "".join(map(str, digits))
    mantissa = shown[0] + (f".{shown[1:]}" if shown[1:] else "")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _number_text(value: float) -> str:
    """Without an exponent."""
    return f"{Decimal(repr(value)).normalize():f}"


def _moment_text(moment: datetime) -> str:
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{text.rjust(19, '0')}{fraction}Z"


def to_timestamp(value: Any) -> datetime:
    """Of a text (RFC 3339) or seconds."""
    if value.__class__ is datetime:
        return value
    try:
        if value.__class__ is int:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=value)
        if value.__class__ is str:
            return _moment(value)
    except (ValueError, OverflowError) as error:
        raise EvaluationError(f"invalid timestamp: {value}") from error
    raise no_overload()


def _moment(text: str) -> datetime:
    found = _MOMENT.match(text)
    if found is None:
        raise ValueError(text)
    date, time, fraction, zone = found.groups()
    return datetime.fromisoformat(f"{date}T{time}.{(fraction or '')[:6]:0<6}{zone}").astimezone(UTC)


def to_duration(value: Any) -> timedelta:
    """Of a text, such as 1h30m."""
    if value.__class__ is timedelta:
        return value
    if value.__class__ is not str:
        raise no_overload()
    sign, rest = (-1, value[1:]) if value[:1] == "-" else (1, value.removeprefix("+"))
    if rest == "0":
        return timedelta()
    seconds, at = 0.0, 0
    rest = rest if len(rest) <= _LONGEST_DURATION else ""
    while found := _PARTS.match(rest, at):
        seconds += float(found[1]) * _SECONDS[found[2]]
        at = found.end()
    if not rest or at != len(rest):
        raise EvaluationError(f"time: invalid duration {go_quote(value)}")
    try:
        return timedelta(seconds=sign * seconds)
    except OverflowError as error:
        raise EvaluationError(f"time: invalid duration {go_quote(value)}") from error


#: By the name of the function.
CONVERSIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "int": to_int,
    "uint": to_uint,
    "double": to_double,
    "bool": to_bool,
    "string": to_string,
    "bytes": to_bytes,
    "timestamp": to_timestamp,
    "duration": to_duration,
    "type": values.type_of,
    "dyn": lambda value: value,
    "size": values.size,
}
