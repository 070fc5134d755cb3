"""Request bodies into objects: JSON and YAML, with the reference's words for what is wrong in them.

Pure. Whether the fields are known and of the right type is asked of `apimachinery.schema` afterwards; here are the
syntax and the duplicate fields, which only the bytes still show. Error texts are made in `json_errors.py`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from apimachinery import fielderrors, json_errors
from apimachinery.objects import Object
from apimachinery.schema.leaves import json_kind

_TYPE_META: Final = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


_DEEPEST: Final = 200  #: orjson encodes 254 levels, and an object gets into lists and documents
_TOO_LARGE: Final = "json: cannot unmarshal number into Go value of type float64"
_MOST_DIGITS: Final = 400  #: more is beyond a float anyway, and slow to read as an integer
_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class SyntaxProblem(ValueError):
    """A body that is no object; the text is what Go's decoder says."""


def decode_json_value(body: bytes) -> Any:
    """Any JSON value, as Go's decoder would take it; raises SyntaxProblem.

    Values nested deeper than 200 levels are refused, where Go's limit is 10,000: nothing real comes near."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        problem = json_errors.find(body)
    else:
        if body.count(b"{") + body.count(b"[") > _DEEPEST and _depth(body) > _DEEPEST:
            raise SyntaxProblem("exceeded max depth")
        return value
    if problem:
        raise SyntaxProblem(problem)
    # What only orjson refuses: bytes that are no UTF-8 and lone surrogates, both of which Go replaces.
    if _depth(body) > _DEEPEST:
        raise SyntaxProblem("exceeded max depth")
    try:
        return _replace_surrogates(
            json.loads(body.decode("utf-8", "replace"), parse_int=json_number, parse_float=_real)
        )
    except (ValueError, RecursionError) as error:
        raise SyntaxProblem(str(error)) from error


def _depth(body: bytes) -> int:
    """How deep the values of a well-formed document are nested."""
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(body):
        char = match[0]
        if char in (b"{", b"["):
            depth += 1
            deepest = max(deepest, depth)
        elif char in (b"}", b"]"):
            depth -= 1
    return deepest


def decode_json(body: bytes) -> Object:
    """The JSON object of a body; raises SyntaxProblem."""
    return _object(decode_json_value(body))


def _object(value: Any) -> Object:
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise SyntaxProblem(f"json: cannot unmarshal {json_kind(value)} into Go value of type {_TYPE_META}")


def _real(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(_TOO_LARGE)
    return number


def json_number(digits: str | int) -> int | float:
    """An integer as orjson and Go read it: a float where it needs more than 64 bits; raises ValueError beyond."""
    number = float(digits) if isinstance(digits, str) and len(digits) > _MOST_DIGITS else int(digits)
    if -(1 << 63) <= number < 1 << 64:
        return number
    try:
        rounded = float(number)
    except OverflowError:
        rounded = math.inf
    if math.isinf(rounded):
        raise ValueError(_TOO_LARGE)
    return rounded


def _replace_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_surrogates(item) for item in value]
    return value


def may_have_duplicates(body: bytes, obj: Any) -> bool:
    """Whether the body may name a field twice; `obj` is what was decoded from it, not yet changed.

    Cheap, and certain where it says no: each field of the body has a colon, and a field that another has replaced took
    its own with it, whatever the encoder's blanks and line ends. Only colons that are written as escapes could make up
    for that."""
    compact = orjson.dumps(obj)
    return compact != body and (body.count(b":") != compact.count(b":") or b"\\u003" in body)


def duplicate_fields(body: bytes) -> list[str]:
    """`duplicate field "x"` for each field that a JSON body names twice; the body must be well-formed."""
    value = decode_json_value(body)
    return strict_errors(body, ()) if may_have_duplicates(body, value) else []


def strict_errors(body: bytes, unknown: Iterable[str]) -> list[str]:
    """All complaints of strict decoding in the order of the document: `unknown field "a"`, `duplicate field "b"`.

    `unknown` are the texts that `TypeSchema.decode` gave for the same body; JSON only."""
    texts = list(unknown)
    found: dict[str, None] = {}
    _walk(json.loads(body.decode("utf-8", "replace"), object_pairs_hook=_Pairs), "", frozenset(texts), found)
    # Unknown fields that another spelling of the path hides come last rather than not at all.
    return list(dict.fromkeys([*found, *texts]))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with every pair that was written."""


def _walk(value: Any, path: str, unknown: frozenset[str], found: dict[str, None]) -> None:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            here = f"{path}.{key}" if path else key
            complaint = f"unknown field {fielderrors.go_quote(here)}"
            if complaint in unknown:
                found[complaint] = None
                continue
            if key in seen:
                found[f"duplicate field {fielderrors.go_quote(here)}"] = None
            seen.add(key)
            _walk(item, here, unknown, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(item, f"{path}[{index}]", unknown, found)


def summarize(body: bytes, limit: int = 30) -> str:
    """The beginning of a body as error texts show it: JSON as it is, anything else in hexadecimal."""
    if not body:
        return "<empty>"
    shown, more = body[:limit], " ..." if len(body) > limit else ""
    return (shown.decode("utf-8", "replace") if body[:1] == b"{" else shown.hex()) + more
