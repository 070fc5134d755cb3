"""A protobuf body as the object that the same type's JSON would decode to; `schema.decode` then treats both alike.

Pure but for reading the data file once. Messages are read by the field numbers of `v1.28.numbers.json.gz` and the types
of `apimachinery.schema`; unknown fields are passed over, as protobuf has it."""

from __future__ import annotations

import base64
import gzip
import struct
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import orjson

from apimachinery.objects import Object, format_micro_time, format_time
from apimachinery.protobuf import wire
from apimachinery.protobuf.wire import WireError
from apimachinery.schema import model
from apimachinery.schema.loader import Schemas
from apimachinery.schema.model import TypeSchema

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"

_MAGIC: Final = b"k8s\x00"
_INTEGERS: Final = frozenset({model.INT32, model.INT64})
_MAX_DEPTH: Final = 100
Value = int | bytes
Numbers = dict[str, Any]


class UnknownType(ValueError):
    """A body of a kind that has no built-in protobuf form here."""


@lru_cache(maxsize=1)
def _numbers() -> dict[str, Numbers]:
    packed = (resources.files("apimachinery.protobuf") / "v1.28.numbers.json.gz").read_bytes()
    loaded: dict[str, Numbers] = orjson.loads(gzip.decompress(packed))
    return loaded


def decode(body: bytes, schemas: Schemas) -> Object:
    """The object in a protobuf envelope (magic, runtime.Unknown); raises WireError, UnknownType."""
    if not body.startswith(_MAGIC):
        raise WireError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")
    version = kind = ""
    raw = b""
    for number, _, value in wire.fields(body[len(_MAGIC) :]):
        if number == 1:
            meta = {inner: _text(text) for inner, _, text in wire.fields(_bytes(value))}
            version, kind = meta.get(1, ""), meta.get(2, "")
        elif number == 2:
            raw = _bytes(value)
    group, _, number_of_version = version.rpartition("/")
    schema = schemas.for_kind(group, number_of_version, kind)
    if schema is None or schema.name not in _numbers():
        raise UnknownType(f'no kind "{kind}" is registered for version "{version}"')
    return {"apiVersion": version, "kind": kind, **_struct(raw, schema, _numbers()[schema.name], 0)}


def _text(value: Value) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise WireError("wrong wireType = 0")
    return value


def _struct(data: bytes, schema: TypeSchema, numbers: Numbers, depth: int) -> Object:
    if depth > _MAX_DEPTH:
        raise WireError("nested too deep")
    out: Object = {}
    for number, wire_type, value in wire.fields(data):
        found = numbers.get(str(number))
        if found is None:
            continue
        if isinstance(found, dict):  # nested here, inlined in JSON
            out.update(_struct(_bytes(value), schema, found, depth + 1))
            continue
        field = schema.fields.get(found)
        if field is not None:
            _add(out, found, field.type, wire_type, value, depth)
    return out


def _add(out: Object, name: str, schema: TypeSchema, wire_type: int, value: Value, depth: int) -> None:
    if schema.kind == model.LIST:
        listed = out.setdefault(name, [])
        if schema.item.kind in _INTEGERS and wire_type == wire.BYTES:
            listed.extend(wire.signed(item) for item in wire.packed_varints(_bytes(value)))
        else:
            listed.append(_value(schema.item, wire_type, value, depth))
    elif schema.kind == model.MAP:
        key, entry = _entry(schema.item, _bytes(value), depth)
        out.setdefault(name, {})[key] = entry
    else:
        out[name] = _value(schema, wire_type, value, depth)


def _entry(item: TypeSchema, data: bytes, depth: int) -> tuple[str, Any]:
    """One entry of a map: key 1, value 2; absent ones are the zero value."""
    key = ""
    value: Any = [] if item.kind == model.LIST else _ZEROS.get(item.kind)
    for number, wire_type, part in wire.fields(data):
        if number == 1:
            key = _text(part)
        elif number == 2 and item.kind == model.LIST:
            # A list in a map is a message of its own (ExtraValue) with the items in its first field.
            value = [_value(item.item, inner, each, depth) for at, inner, each in wire.fields(_bytes(part)) if at == 1]
        elif number == 2:
            value = _value(item, wire_type, part, depth)
    return key, value


_ZEROS: Final[dict[str, Any]] = {model.STRING: "", model.BYTES: "", model.QUANTITY: "0", model.BOOL: False}


def _value(schema: TypeSchema, wire_type: int, value: Value, depth: int) -> Any:
    kind = schema.kind
    if isinstance(value, int):
        if kind == model.BOOL:
            return bool(value)
        if kind in _INTEGERS:
            return wire.signed(value)
        raise WireError(f"wrong wireType = {wire_type} for a {kind}")
    if kind == model.STRUCT:
        return _struct(value, schema, _numbers().get(schema.name, {}), depth + 1)
    if kind == model.STRING:
        return value.decode("utf-8", "replace")
    if kind == model.BYTES:
        return base64.b64encode(value).decode()
    if kind == model.FLOAT64 and wire_type == wire.FIXED64:
        return struct.unpack("<d", value)[0]
    if kind == model.QUANTITY:
        return _quantity(value)
    if kind in (model.TIME, model.MICRO_TIME):
        return _time(value, micro=kind == model.MICRO_TIME)
    if kind == model.INT_OR_STRING:
        return _int_or_string(value)
    if kind in (model.RAW, model.ANY):
        return _raw(value)
    raise WireError(f"wrong wireType = {wire_type} for a {kind}")


def _quantity(data: bytes) -> str:
    for number, _, value in wire.fields(data):
        if number == 1:
            return _text(value) or "0"
    return "0"


def _time(data: bytes, *, micro: bool) -> str | None:
    """A Timestamp; the empty message is the zero time, null in JSON."""
    parts = {number: value for number, _, value in wire.fields(data) if isinstance(value, int)}
    if not data:
        return None
    try:
        moment = datetime.fromtimestamp(wire.signed(parts.get(1, 0)), UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise WireError(f"a time out of range: {error}") from error
    if not micro:
        return format_time(moment)
    return format_micro_time(moment.replace(microsecond=(parts.get(2, 0) // 1000) % 1_000_000))


def _int_or_string(data: bytes) -> int | str:
    kind, number, text = 0, 0, ""
    for at, _, value in wire.fields(data):
        if at == 1 and isinstance(value, int):
            kind = value
        elif at == 2 and isinstance(value, int):
            number = wire.signed(value)
        elif at == 3:
            text = _text(value)
    return text if kind else number


def _raw(data: bytes) -> Any:
    """RawExtension, FieldsV1, JSON: a message whose first field holds JSON."""
    for number, _, value in wire.fields(data):
        if number == 1:
            try:
                return orjson.loads(_bytes(value))
            except orjson.JSONDecodeError as error:
                raise WireError(f"raw JSON that is none: {error}") from error
    return None
