"""Integers as Go's strconv reads them. Pure."""

from __future__ import annotations

import re
from typing import Final

_SHAPE: Final = re.compile(r"[+-]?[0-9]+")
_MOST_DIGITS: Final = 100  #: with zeros before it; int() refuses those of thousands
_BEYOND: Final = 1 << 63


def parse_int64(text: str) -> int:
    """ParseInt(text, 10, 64); raises ValueError with the reason in its words."""
    if not _SHAPE.fullmatch(text):
        raise ValueError("invalid syntax")
    number = int(text) if len(text) <= _MOST_DIGITS else _BEYOND
    if not -_BEYOND <= number < _BEYOND:
        raise ValueError("value out of range")
    return number
