"""Regular expressions that others write (CRD patterns, CEL): RE2's language, matched in time linear in the text. Pure.

Python's own engine backtracks: one hostile pattern would stop the process. The library is loaded with the first one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

#: What one compiled pattern may take; the engine refuses larger ones.
_MAX_MEMORY_BYTES: Final = 8 << 20
#: The engine's words, and those of Go's regexp/syntax for the same.
_WORDS: Final = {
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "missing ]": "missing closing ]",
    "missing )": "missing closing )",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid named capture group": "invalid named capture",
}


class PatternError(ValueError):
    """No regular expression of RE2's language."""


class Pattern:
    """A compiled pattern."""

    __slots__ = ("_compiled",)

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled

    def matches(self, text: str) -> bool:
        """Whether it occurs in the text."""
        return self._compiled.search(text) is not None

    def find_all(self, text: str) -> Iterator[str]:
        """Everything that it matches, from left to right."""
        return (found[0] for found in self._compiled.finditer(text))


def compile_pattern(text: str) -> Pattern:
    """Raises PatternError, with the words of Go's regexp/syntax."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY_BYTES
    try:
        return Pattern(re2.compile(text, options=options))
    except re2.error as error:
        why = error.args[0]
        words = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        reason, _, part = words.partition(": ")
        raise PatternError(f"error parsing regexp: {_WORDS.get(reason, reason)}: `{part or text}`") from error
