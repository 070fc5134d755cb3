"""The tokens of a label selector's string form. Pure; the grammar is in `labels.py`."""

from __future__ import annotations

import enum
import re
from typing import Final


class Token(enum.Enum):
    """What a piece of a selector is."""

    ERROR = enum.auto()
    END = enum.auto()
    CLOSE = enum.auto()
    COMMA = enum.auto()
    DOES_NOT_EXIST = enum.auto()
    DOUBLE_EQUALS = enum.auto()
    EQUALS = enum.auto()
    GREATER_THAN = enum.auto()
    IDENTIFIER = enum.auto()
    IN = enum.auto()
    LESS_THAN = enum.auto()
    NOT_EQUALS = enum.auto()
    NOT_IN = enum.auto()
    OPEN = enum.auto()


_MEANING: Final = {
    ")": Token.CLOSE,
    ",": Token.COMMA,
    "!": Token.DOES_NOT_EXIST,
    "==": Token.DOUBLE_EQUALS,
    "=": Token.EQUALS,
    ">": Token.GREATER_THAN,
    "in": Token.IN,
    "<": Token.LESS_THAN,
    "!=": Token.NOT_EQUALS,
    "notin": Token.NOT_IN,
    "(": Token.OPEN,
}
_PIECE = re.compile(r"[ \t\r\n]*(?:(==|!=|[=!(),><])|([^=!(),>< \t\r\n\0]+)|(\Z|\0))")


def tokens(text: str) -> list[tuple[Token, str]]:
    """Every token with its text; the last one is END."""
    found: list[tuple[Token, str]] = []
    at = 0
    while match := _PIECE.match(text, at):
        symbol, word = match[1], match[2]
        if symbol:
            found.append((_MEANING[symbol], symbol))
        elif word:
            found.append((_MEANING.get(word, Token.IDENTIFIER), word))
        else:
            break
        at = match.end()
    found.append((Token.END, ""))
    return found
