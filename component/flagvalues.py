"""The values of flags: Go's text forms of booleans, integers, durations, lists and maps. Pure.

Errors read as those of Go's strconv and time packages, which users of the real daemons know."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_INT64 = 1 << 63


class FlagError(ValueError):
    """What is wrong with a command line, in one line."""


def boolean(text: str) -> bool:
    """strconv.ParseBool."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def integer(text: str) -> int:
    """strconv.ParseInt with base 0: decimal, 0x, 0o, 0b."""
    try:
        value = int(text, 10) if re.fullmatch(r"[+-]?\d+", text) else int(text, 0)
    except ValueError:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if not -_INT64 <= value < _INT64:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": value out of range')
    return value


def number(text: str) -> float:
    """strconv.ParseFloat."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax') from None


def strings(text: str) -> tuple[str, ...]:
    """A comma-separated list; an empty text is an empty list."""
    return tuple(part.strip() for part in text.split(",")) if text else ()


def string_map(text: str) -> dict[str, str]:
    """ "a=b,c=d"; raises ValueError for a part without "="."""
    found: dict[str, str] = {}
    for part in strings(text):
        key, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part} must be formatted as key=value")
        found[key.strip()] = value.strip()
    return found


def bool_map(text: str) -> dict[str, bool]:
    """ "A=true,B=false" (feature gates)."""
    return {key: boolean(value) for key, value in string_map(text).items()}


def _bare(annotation: Any) -> Any:
    """The annotation without "| None"."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return parts[0]
    return annotation


def converter(annotation: Any) -> Callable[[str], Any]:
    """What turns a flag's text into a value of the annotated type."""
    bare = _bare(annotation)
    origin = typing.get_origin(bare) or bare
    if origin in (dict, Mapping):
        return bool_map if typing.get_args(bare)[1] is bool else string_map
    if origin is typing.Literal:
        return str
    simple: dict[Any, Callable[[str], Any]] = {
        bool: boolean, int: integer, float: number, str: str, tuple: strings,
    }  # fmt: skip
    return simple[origin]


def is_bool(annotation: Any) -> bool:
    """Whether the flag may stand without a value."""
    return _bare(annotation) is bool


def is_collection(annotation: Any) -> bool:
    """Whether the flag may be repeated, each use adding to the one before."""
    bare = _bare(annotation)
    return (typing.get_origin(bare) or bare) in (tuple, dict)


def type_word(annotation: Any) -> str:
    """The word that stands for the value in --help ("" for booleans)."""
    bare = _bare(annotation)
    words = {bool: "", int: "int", float: "duration", str: "string", tuple: "strings", dict: "mapStringString"}
    return words.get(typing.get_origin(bare) or bare, "string")


def show(value: Any) -> str:
    """A default in --help."""
    if isinstance(value, tuple):
        return f"[{','.join(value)}]"
    if isinstance(value, dict):
        return ",".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
