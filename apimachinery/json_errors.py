"""What Go's JSON scanner says of a text that is not JSON ("invalid character 'x' looking for ...").

Pure, and slow: it runs only on bodies that the fast decoder has refused."""

from __future__ import annotations

import re
from typing import Final

from apimachinery.fielderrors import go_quote

_SPACE: Final = b" \t\r\n"
_DIGITS: Final = b"0123456789"
_HEX: Final = b"0123456789abcdefABCDEF"
_LITERALS: Final = {b"t": b"true", b"f": b"false", b"n": b"null"}
_TOO_SHORT: Final = "unexpected end of JSON input"
_MAX_DEPTH: Final = 10_000
_PLAIN_STRING = re.compile(rb'[^"\\\x00-\x1f]*')


class _Stop(Exception):
    """Carries the text of the first problem."""


def find(body: bytes) -> str:
    """The first problem in the text; "" where Go finds none."""
    try:
        _Scanner(body).document()
    except _Stop as stop:
        return str(stop)
    return ""


class _Scanner:
    """Walks over one document without recursion; `_at` is the next byte."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def document(self) -> None:
        open_: list[bytes] = []
        self._value(open_)
        while open_:
            self._next_element(open_)
        self._skip_space()
        if self._at < len(self._body):
            self._bad("after top-level value")

    def _next_element(self, open_: list[bytes]) -> None:
        """What follows a value inside an object or array."""
        self._skip_space()
        close = open_[-1]
        char = self._peek()
        if char == close:
            self._at += 1
            open_.pop()
        elif char == b",":
            self._at += 1
            if close == b"}":
                self._key(first=False)
            self._value(open_)
        else:
            self._bad("after object key:value pair" if close == b"}" else "after array element")

    def _value(self, open_: list[bytes]) -> None:
        """One value; of an object or array that is not empty only the first element."""
        while True:
            self._skip_space()
            char = self._peek()
            if char == b"{":
                self._at += 1
                self._skip_space()
                if self._peek() == b"}":
                    self._at += 1
                    return
                self._open(open_, b"}")
                self._key(first=True)
            elif char == b"[":
                self._at += 1
                self._skip_space()
                if self._peek() == b"]":
                    self._at += 1
                    return
                self._open(open_, b"]")
            else:
                self._scalar(char)
                return

    def _open(self, open_: list[bytes], close: bytes) -> None:
        open_.append(close)
        if len(open_) > _MAX_DEPTH:
            raise _Stop("exceeded max depth")

    def _key(self, *, first: bool) -> None:
        self._skip_space()
        if self._peek() != b'"':
            self._bad("looking for beginning of object key string")
        self._string()
        self._skip_space()
        if self._peek() != b":":
            self._bad("after object key")
        self._at += 1

    def _scalar(self, char: bytes) -> None:
        if char == b'"':
            self._string()
        elif char in _LITERALS:
            self._literal(_LITERALS[char])
        elif char == b"-" or char in _DIGITS:
            self._number()
        else:
            self._bad("looking for beginning of value")

    def _literal(self, word: bytes) -> None:
        for at, wanted in enumerate(word):
            char = self._peek()
            if char[0] != wanted:
                self._bad(f"in literal {word.decode()} (expecting '{chr(wanted)}')" if at else "")
            self._at += 1

    def _number(self) -> None:
        if self._peek() == b"-":
            self._at += 1
            if self._peek() not in _DIGITS:
                self._bad("in numeric literal")
        if self._peek() == b"0":
            self._at += 1
        else:
            self._digits("in numeric literal")
        if self._current() == b".":
            self._at += 1
            self._digits("after decimal point in numeric literal")
        if self._current() in (b"e", b"E"):
            self._at += 1
            if self._peek() in (b"+", b"-"):
                self._at += 1
            self._digits("in exponent of numeric literal")

    def _digits(self, context: str) -> None:
        if self._peek() not in _DIGITS:
            self._bad(context)
        while self._current() and self._current() in _DIGITS:
            self._at += 1

    def _string(self) -> None:
        self._at += 1
        while True:
            plain = _PLAIN_STRING.match(self._body, self._at)
            self._at = plain.end() if plain else self._at
            char = self._peek()
            if char == b'"':
                self._at += 1
                return
            if char != b"\\":
                self._bad("in string literal")
            self._at += 1
            escape = self._peek()
            if escape == b"u":
                for _ in range(4):
                    self._at += 1
                    if self._peek() not in _HEX:
                        self._bad("in \\u hexadecimal character escape")
            elif escape not in b'bfnrt\\/"':
                self._bad("in string escape code")
            self._at += 1

    def _skip_space(self) -> None:
        while self._current() and self._current() in _SPACE:
            self._at += 1

    def _current(self) -> bytes:
        """The next byte, b"" at the end."""
        return self._body[self._at : self._at + 1]

    def _peek(self) -> bytes:
        """The next byte, which there must be."""
        char = self._current()
        if not char:
            raise _Stop(_TOO_SHORT)
        return char

    def _bad(self, context: str) -> None:
        char = chr(self._peek()[0])
        shown = {"'": r"'\''", '"': "'\"'"}.get(char) or f"'{go_quote(char)[1:-1]}'"
        raise _Stop(f"invalid character {shown} {context}")
