"""An OpenAPI v2 document in gnostic's protobuf form (openapi.v2.Document), which kubectl up to 1.26 asks for.

Pure. The tables say for each message which JSON word has which field number, both as gnostic has them. The documents of
aggregated servers are in it too and nobody has checked them: what is not of the type it should be is left out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from apimachinery.objects import Object

#: Encodes a value as the field of that number; b"" for a value of another type.
_Encoder = Callable[[int, Any], bytes]
_Table = Mapping[str, tuple[int, _Encoder]]


def encode(document: Object) -> bytes:
    """The document's bytes."""
    return _fields(_DOCUMENT, document)


def _fields(table: _Table, item: Any, extensions: int = 0) -> bytes:
    """The fields of one message; `extensions` is the number of its x-… words."""
    if not isinstance(item, Mapping):
        return b""
    parts = []
    for word, value in item.items():
        known = table.get(word)
        if known is not None:
            parts.append(known[1](known[0], value))
        elif extensions and word.startswith("x-"):
            parts.append(_named(extensions, word, _any(value)))
    return b"".join(parts)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(body)) + body


def _named(field: int, name: str, value: bytes) -> bytes:
    """NamedSchema, NamedPathItem and their like."""
    return _message(field, _text(1, name) + _message(2, value))


def _text(field: int, value: Any) -> bytes:
    return _message(field, value.encode()) if isinstance(value, str) and value else b""


def _texts(field: int, value: Any) -> bytes:
    values = value if isinstance(value, list) else ()
    return b"".join(_message(field, each.encode()) for each in values if isinstance(each, str))


def _flag(field: int, value: Any) -> bytes:
    return _varint(field << 3) + b"\x01" if value is True else b""


def _integer(field: int, value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 63:
        return b""  # there is no negative length
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value:
        return b""
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _any(value: Any) -> bytes:
    """The message Any: its value is YAML, which JSON is."""
    return _message(2, orjson.dumps(value))


def _anything(field: int, value: Any) -> bytes:
    return _message(field, _any(value))


def _each(encoder: _Encoder) -> _Encoder:
    """A repeated field."""

    def encoded(field: int, value: Any) -> bytes:
        return b"".join(encoder(field, each) for each in value) if isinstance(value, list) else b""

    return encoded


def _entries(entry: int, body: Callable[[Any], bytes]) -> _Encoder:
    """A message whose only fields are the named entries of a mapping."""

    def encoded(field: int, value: Any) -> bytes:
        if not isinstance(value, Mapping):
            return b""
        return _message(field, b"".join(_named(entry, name, body(each)) for name, each in value.items()))

    return encoded


def _schema(item: Any) -> bytes:
    return _fields(_SCHEMA, item, 31)


def _type(field: int, value: Any) -> bytes:
    return _message(field, _texts(1, value if isinstance(value, list) else [value]))


def _items(field: int, value: Any) -> bytes:
    schemas = value if isinstance(value, list) else [value]
    return _message(field, b"".join(_message(1, _schema(each)) for each in schemas))


def _further(field: int, value: Any) -> bytes:
    return _message(field, _flag(2, value) if isinstance(value, bool) else _message(1, _schema(value)))


def _simple_items(field: int, value: Any) -> bytes:
    return _message(field, _fields(_ITEMS, value, 18))


def _path(item: Any) -> bytes:
    return _fields(_PATH, item, 10)


def _operation(field: int, item: Any) -> bytes:
    return _message(field, _fields(_OPERATION, item, 13))


def _parameter(field: int, item: Any) -> bytes:
    if not isinstance(item, Mapping):
        return b""
    if "$ref" in item:
        return _message(field, _message(2, _text(1, item["$ref"])))
    place = item.get("in")
    if place == "body":
        return _message(field, _message(1, _message(1, _fields(_BODY, item, 6))))
    if not isinstance(place, str) or place not in _PLACES:
        return b""
    number, table, extensions = _PLACES[place]
    return _message(field, _message(1, _message(2, _message(number, _fields(table, item, extensions)))))


def _answer(item: Any) -> bytes:
    if isinstance(item, Mapping) and "$ref" in item:
        return _message(2, _text(1, item["$ref"]))
    return _message(1, _fields(_ANSWER, item, 5))


_DOCS: Final[_Table] = {"description": (1, _text), "url": (2, _text)}


def _docs(field: int, value: Any) -> bytes:
    return _message(field, _fields(_DOCS, value, 3))


#: What describes a value that is no object, in the order of its numbers, which begin at another one in each message.
_SIMPLE: Final = {
    "type": _text,
    "format": _text,
    "items": _simple_items,
    "collectionFormat": _text,
    "default": _anything,
    "maximum": _double,
    "exclusiveMaximum": _flag,
    "minimum": _double,
    "exclusiveMinimum": _flag,
    "maxLength": _integer,
    "minLength": _integer,
    "pattern": _text,
    "maxItems": _integer,
    "minItems": _integer,
    "uniqueItems": _flag,
    "enum": _each(_anything),
    "multipleOf": _double,
}


def _simple(first: int) -> dict[str, tuple[int, _Encoder]]:
    return {word: (number, encoder) for number, (word, encoder) in enumerate(_SIMPLE.items(), first)}


_ITEMS: Final[_Table] = _simple(1)
_HEADER: Final[_Table] = {**_simple(1), "description": (18, _text)}
_NAMED_VALUE: Final[_Table] = {
    "required": (1, _flag),
    "in": (2, _text),
    "description": (3, _text),
    "name": (4, _text),
}
_OPTIONAL_VALUE: Final[_Table] = {**_NAMED_VALUE, "allowEmptyValue": (5, _flag), **_simple(6)}
#: Where a parameter is -> the field of NonBodyParameter, its table, the number of its extensions.
_PLACES: Final[Mapping[str, tuple[int, _Table, int]]] = {
    "header": (1, {**_NAMED_VALUE, **_simple(5)}, 22),
    "formData": (2, _OPTIONAL_VALUE, 23),
    "query": (3, _OPTIONAL_VALUE, 23),
    "path": (4, {**_NAMED_VALUE, **_simple(5)}, 22),
}
_BODY: Final[_Table] = {
    "description": (1, _text),
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _flag),
    "schema": (5, lambda field, value: _message(field, _schema(value))),
}
_ANSWER: Final[_Table] = {
    "description": (1, _text),
    "schema": (2, lambda field, value: _message(field, _message(1, _schema(value)))),
    "headers": (3, _entries(1, lambda item: _fields(_HEADER, item, 19))),
    "examples": (4, _entries(1, _any)),
}
_OPERATION: Final[_Table] = {
    "tags": (1, _texts),
    "summary": (2, _text),
    "description": (3, _text),
    "externalDocs": (4, _docs),
    "operationId": (5, _text),
    "produces": (6, _texts),
    "consumes": (7, _texts),
    "parameters": (8, _each(_parameter)),
    "responses": (9, _entries(1, _answer)),
    "schemes": (10, _texts),
    "deprecated": (11, _flag),
}
_PATH: Final[_Table] = {
    "$ref": (1, _text),
    "get": (2, _operation),
    "put": (3, _operation),
    "post": (4, _operation),
    "delete": (5, _operation),
    "options": (6, _operation),
    "head": (7, _operation),
    "patch": (8, _operation),
    "parameters": (9, _each(_parameter)),
}
_SCHEMA: Final[_Table] = {
    "$ref": (1, _text),
    "format": (2, _text),
    "title": (3, _text),
    "description": (4, _text),
    "default": (5, _anything),
    "multipleOf": (6, _double),
    "maximum": (7, _double),
    "exclusiveMaximum": (8, _flag),
    "minimum": (9, _double),
    "exclusiveMinimum": (10, _flag),
    "maxLength": (11, _integer),
    "minLength": (12, _integer),
    "pattern": (13, _text),
    "maxItems": (14, _integer),
    "minItems": (15, _integer),
    "uniqueItems": (16, _flag),
    "maxProperties": (17, _integer),
    "minProperties": (18, _integer),
    "required": (19, _texts),
    "enum": (20, _each(_anything)),
    "additionalProperties": (21, _further),
    "type": (22, _type),
    "items": (23, _items),
    "allOf": (24, _each(lambda field, value: _message(field, _schema(value)))),
    "properties": (25, _entries(1, _schema)),
    "discriminator": (26, _text),
    "readOnly": (27, _flag),
    "externalDocs": (29, _docs),
    "example": (30, _anything),
}
_INFO: Final[_Table] = {"title": (1, _text), "version": (2, _text), "description": (3, _text)}
_DOCUMENT: Final[_Table] = {
    "swagger": (1, _text),
    "info": (2, lambda field, value: _message(field, _fields(_INFO, value))),
    "paths": (8, _entries(2, _path)),
    "definitions": (9, _entries(1, _schema)),
}
