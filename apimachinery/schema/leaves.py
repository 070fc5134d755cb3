"""Decode the leaves of an object: numbers, times, quantities, bytes and values of several forms.

Pure. A handler gives back the value as Go would write it and raises `Mismatch` where Go's decoder complains."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from apimachinery import quantity
from apimachinery.objects import format_micro_time, format_time
from apimachinery.remembering import remembered
from apimachinery.schema import model

#: Takes a value that is not null and the list of unknown paths; gives back the normalised value.
Handler = Callable[[Any, list[str]], Any]

_RFC3339: Final = "2006-01-02T15:04:05Z07:00"
_RFC3339_MICRO: Final = "2006-01-02T15:04:05.000000Z07:00"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)")
_MICRO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)")
_IN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class Mismatch(Exception):
    """A value that Go's decoder refuses. The path is gathered while the error passes the structs on its way up."""

    def __init__(self, found: str, go_type: str, message: str = "", conversion: str = "") -> None:
        super().__init__()
        self._found = found
        self._go_type = go_type
        self._message = message
        self._conversion = conversion
        self._struct = ""
        self._path: list[str] = []

    @classmethod
    def of(cls, value: Any, go_type: str, kind: str) -> Mismatch:
        """The error for a JSON value of the wrong type; `kind` is the wanted one."""
        return cls(json_kind(value), go_type, conversion=_conversion_text(value, go_type, kind))

    @classmethod
    def saying(cls, message: str) -> Mismatch:
        """The error of a type's own decoder, which says nothing of where it arose."""
        return cls("", "", message)

    def within(self, struct: str, field: str) -> None:
        """Note a field on the way to the value."""
        self._struct = self._struct or struct
        self._path.append(field)

    def text(self) -> str:
        """What Go's decoder says."""
        if self._message:
            return self._message
        where = f"Go struct field {self._struct}.{'.'.join(reversed(self._path))}" if self._struct else "Go value"
        return f"json: cannot unmarshal {self._found} into {where} of type {self._go_type}"

    def conversion(self) -> str:
        """What the reference says where it converts a map instead."""
        return self._conversion or self._message


def json_kind(value: Any) -> str:
    """What Go calls a JSON value in its errors."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"


_REFLECTED: Final = {bool: "bool", str: "string", int: "int64", float: "float64", dict: "map", list: "slice"}


def _conversion_text(value: Any, go_type: str, kind: str) -> str:
    """The words of runtime.DefaultUnstructuredConverter for a value that is not of the wanted kind."""
    found = _REFLECTED.get(type(value), "interface")
    if kind == model.STRUCT:
        return f"cannot restore struct from: {found}"
    if kind in (model.LIST, model.BYTES):
        return f"cannot restore slice from {found}"
    if kind == model.MAP:
        return f"cannot restore map from {found}"
    is_number = found in ("int64", "float64")
    if (kind == model.STRING and found == "int64") or (kind in (model.INT32, model.INT64) and is_number):
        return f"cannot convert {found} to {go_type}"
    return f"unrecognized type: {kind}"


def handler(kind: str, go_type: str) -> Handler:
    """The handler of a scalar kind; `go_type` is named in its errors."""
    if kind == model.STRING:
        return _plain(str, go_type, kind)
    if kind == model.BOOL:
        return _plain(bool, go_type, kind)
    if kind == model.INT32:
        return _integer(go_type, kind, 31)
    if kind == model.INT64:
        return _integer(go_type, kind, 63)
    if kind == model.FLOAT64:
        return _float(go_type)
    return _LEAVES[kind]


def _plain(wanted: type, go_type: str, kind: str) -> Handler:
    def decode(value: Any, unknown: list[str]) -> Any:
        if value.__class__ is not wanted:
            raise Mismatch.of(value, go_type, kind)
        return value

    return decode


def _integer(go_type: str, kind: str, bits: int) -> Handler:
    lowest, highest = -(1 << bits), (1 << bits) - 1

    def decode(value: Any, unknown: list[str]) -> Any:
        if value.__class__ is int and lowest <= value <= highest:
            return value
        if value.__class__ in (int, float):
            found = f"number {orjson.dumps(value).decode()}"
            raise Mismatch(found, go_type, conversion=_conversion_text(value, go_type, kind))
        raise Mismatch.of(value, go_type, kind)

    return decode


def _float(go_type: str) -> Handler:
    def decode(value: Any, unknown: list[str]) -> Any:
        if value.__class__ is float:
            return int(value) if value.is_integer() and abs(value) < 1e21 else value
        if value.__class__ is not int:
            raise Mismatch.of(value, go_type, model.FLOAT64)
        return value

    return decode


def _bytes(value: Any, unknown: list[str]) -> Any:
    if value.__class__ is not str:
        raise Mismatch.of(value, "[]uint8", model.BYTES)
    if not value:
        return value
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return _lenient_base64(value)
    canonical = base64.b64encode(decoded).decode()
    return value if canonical == value else canonical


def _lenient_base64(text: str) -> str:
    """Go's decoder skips line ends; anything else is an error at its place."""
    joined = text.replace("\r", "").replace("\n", "")
    try:
        return base64.b64encode(base64.b64decode(joined, validate=True)).decode()
    except (binascii.Error, ValueError):
        raise Mismatch.saying(f"illegal base64 data at input byte {_bad_base64_at(text)}") from None


def _bad_base64_at(text: str) -> int:
    at, count = 0, 0
    for at, char in enumerate(text):
        if char in "\r\n":
            continue
        if not (char.isascii() and (char.isalnum() or char in "+/")):
            return at
        count += 1
    return at + 1 - count % 4 if count % 4 else at


def _quantity(value: Any, unknown: list[str]) -> Any:
    if value.__class__ is str:
        return _canonical_quantity(value)
    if value.__class__ in (int, float):
        return _canonical_quantity(str(value) if value.__class__ is int else quantity_text(value))
    return _canonical_quantity(orjson.dumps(value).decode())


def quantity_text(number: float) -> str:
    """A JSON number with a fraction or exponent as text."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


@remembered(8192)
def _canonical_quantity(text: str) -> str:
    try:
        return str(quantity.parse(text.strip()))
    except ValueError as error:
        raise Mismatch.saying(str(error)) from None


def _int_or_string(value: Any, unknown: list[str]) -> Any:
    if value.__class__ is str or (value.__class__ is int and -(1 << 31) <= value < 1 << 31):
        return value
    if value.__class__ in (int, float):
        raise Mismatch.saying(
            f"json: cannot unmarshal number {orjson.dumps(value).decode()} into Go value of type int32"
        )
    raise Mismatch.saying(f"json: cannot unmarshal {json_kind(value)} into Go value of type int32")


def _time(value: Any, unknown: list[str]) -> Any:
    moment = _moment(value, _TIME, _RFC3339)
    return value if _IN_UTC.fullmatch(value) else format_time(moment)


def _micro_time(value: Any, unknown: list[str]) -> Any:
    moment = _moment(value, _MICRO, _RFC3339_MICRO)
    return value if value.endswith("Z") else format_micro_time(moment)


def _moment(value: Any, pattern: re.Pattern[str], layout: str) -> datetime:
    if value.__class__ is not str:
        raise Mismatch.saying(f"json: cannot unmarshal {json_kind(value)} into Go value of type string")
    if pattern.fullmatch(value):
        try:
            return datetime.fromisoformat(_six_digits(value))
        except ValueError:
            raise Mismatch.saying(f'parsing time "{value}": {_out_of_range(value)} out of range') from None
    raise Mismatch.saying(_unparsable_time(value, layout))


def _six_digits(text: str) -> str:
    """The text with its fraction cut to what datetime reads."""
    return re.sub(r"[.,](\d{1,6})\d*", r".\1", text)


def _out_of_range(text: str) -> str:
    """Which part of a well-formed time is not one."""
    month, _, hour, minute, second = (int(part) for part in re.split(r"[-T:]", text[:19])[1:])
    if not 1 <= month <= 12:
        return "month"
    if hour > 23:
        return "hour"
    if minute > 59:
        return "minute"
    if second > 59:
        return "second"
    return "day"


_LAYOUT_PARTS: Final = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d\d"),
    ("-", "-"),
    ("02", r"\d\d"),
    ("T", "T"),
    ("15", r"\d\d"),
    (":", ":"),
    ("04", r"\d\d"),
    (":", ":"),
    ("05", r"\d\d(?:\.\d+(?!\d))?"),
    (".000000", r"\.\d{6}"),
    ("Z07:00", r"Z|[+-]\d\d:\d\d"),
)


def _unparsable_time(text: str, layout: str) -> str:
    """Go's words for the first part of a time that does not fit its layout."""
    quoted, rest = f'parsing time "{text}"', text
    for part, pattern in _LAYOUT_PARTS:
        if part == ".000000" and layout == _RFC3339:
            continue
        if part == "05" and layout == _RFC3339_MICRO:
            pattern = r"\d\d"
        match = re.match(pattern, rest)
        if match is None:
            return f'{quoted} as "{layout}": cannot parse "{rest}" as "{part}"'
        rest = rest[match.end() :]
    return f'{quoted}: extra text: "{rest}"'


def _raw(value: Any, unknown: list[str]) -> Any:
    return value


def schema_or(kind: str, props: Handler) -> Handler:
    """JSONSchemaPropsOrArray, OrBool and OrStringArray. Their own decoders do not notice unknown fields."""

    def decode(value: Any, unknown: list[str]) -> Any:
        if value.__class__ is dict:
            return props(value, [])
        if kind == model.SCHEMA_OR_BOOL:
            if value.__class__ is bool:
                return value
            raise Mismatch.saying("boolean or JSON schema expected")
        if value.__class__ is list:
            return [props(item, []) if item.__class__ is dict else item for item in value]
        return None

    return decode


_LEAVES: Final[dict[str, Handler]] = {
    model.BYTES: _bytes,
    model.TIME: _time,
    model.MICRO_TIME: _micro_time,
    model.QUANTITY: _quantity,
    model.INT_OR_STRING: _int_or_string,
    model.RAW: _raw,
    model.ANY: _raw,
}
