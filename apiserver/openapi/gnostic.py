"""An OpenAPI v2 document in gnostic's protobuf form (openapi.v2.Document), which kubectl up to 1.26 asks for.

Pure. A hand-written encoder for the part of the format that our documents use; the field numbers are gnostic's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from apimachinery.objects import Object

_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8}


def encode(document: Object) -> bytes:
    """The document's bytes."""
    info = document["info"]
    return b"".join(
        (
            _text(1, document["swagger"]),
            _message(2, _text(1, info["title"]) + _text(2, info["version"])),
            _message(8, b"".join(_named(2, path, _path(item)) for path, item in document["paths"].items())),
            _message(9, b"".join(_named(1, name, _schema(item)) for name, item in document["definitions"].items())),
        )
    )


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _text(field: int, value: str) -> bytes:
    return _message(field, value.encode()) if value else b""


def _texts(field: int, values: Iterable[str]) -> bytes:
    return b"".join(_message(field, value.encode()) for value in values)


def _flag(field: int, value: bool) -> bytes:
    return _varint(field << 3) + b"\x01" if value else b""


def _named(field: int, name: str, value: bytes) -> bytes:
    """NamedSchema, NamedPathItem and their like."""
    return _message(field, _text(1, name) + _message(2, value))


def _extensions(field: int, item: Mapping[str, Any]) -> bytes:
    """NamedAny for each x-… key; the value is YAML, which JSON is."""
    return b"".join(
        _named(field, name, _message(2, orjson.dumps(value))) for name, value in item.items() if name.startswith("x-")
    )


def _schema(item: Object) -> bytes:
    parts = [_text(1, item.get("$ref", "")), _text(2, item.get("format", ""))]
    parts.append(_text(4, item.get("description", "")))
    parts.append(_texts(19, item.get("required", ())))
    if "additionalProperties" in item:
        parts.append(_message(21, _message(1, _schema(item["additionalProperties"]))))
    if "type" in item:
        parts.append(_message(22, _texts(1, [item["type"]])))
    if "items" in item:
        parts.append(_message(23, _message(1, _schema(item["items"]))))
    if "properties" in item:
        listed = b"".join(_named(1, name, _schema(value)) for name, value in item["properties"].items())
        parts.append(_message(25, listed))
    parts.append(_extensions(31, item))
    return b"".join(parts)


def _path(item: Object) -> bytes:
    return b"".join(_message(_METHODS[method], _operation(operation)) for method, operation in item.items())


def _operation(item: Object) -> bytes:
    answers = b"".join(
        _named(1, code, _message(1, _text(1, answer["description"]) + _answer_schema(answer)))
        for code, answer in item["responses"].items()
    )
    return b"".join(
        (
            _text(5, item["operationId"]),
            _texts(6, item.get("produces", ())),
            _texts(7, item.get("consumes", ())),
            b"".join(_message(8, _message(1, _parameter(parameter))) for parameter in item["parameters"]),
            _message(9, answers),
            _extensions(13, item),
        )
    )


def _answer_schema(answer: Object) -> bytes:
    return _message(2, _message(1, _schema(answer["schema"]))) if "schema" in answer else b""


def _parameter(item: Object) -> bytes:
    place = item["in"]
    if place == "body":
        body = _text(2, item["name"]) + _text(3, place) + _flag(4, item.get("required", False))
        return _message(1, body + _message(5, _schema(item["schema"])))
    inner = _flag(1, item.get("required", False)) + _text(2, place) + _text(4, item["name"])
    if place == "query":
        return _message(2, _message(3, inner + _text(6, item["type"])))
    return _message(2, _message(4, inner + _text(5, item["type"])))
