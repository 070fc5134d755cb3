"""The CEL library: loaded when the first rule is compiled, with the functions that Kubernetes adds to the language.

No I/O but for loading the library."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit


class RuleError(Exception):
    """A rule that cannot be compiled or evaluated."""


@lru_cache(maxsize=1)
def _library() -> Any:
    """The extension module alone: its package would import a command line and all that this needs."""
    package = importlib.util.find_spec("cel")
    found = importlib.machinery.PathFinder.find_spec("cel", package.submodule_search_locations) if package else None
    if found is None or found.loader is None:
        raise RuleError("the library common-expression-language is not installed")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    if sys.modules.get("cel") is module:
        del sys.modules["cel"]
    return module


def compile_rule(text: str) -> Callable[[Mapping[str, Any]], Any]:
    """The function of an expression, from its variables to its value; raises RuleError, and so does the function."""
    library = _library()
    try:
        program = library.compile(text)
    except ValueError as error:
        raise RuleError(f"compilation failed: {error}") from error

    def evaluate(variables: Mapping[str, Any]) -> Any:
        try:
            return program.execute(library.Context(dict(variables), dict(_FUNCTIONS)))
        except (RuntimeError, ValueError, TypeError, KeyError, ArithmeticError, IndexError, AttributeError) as error:
            raise RuleError(f"no such key: {error.args[0]}" if isinstance(error, KeyError) else str(error)) from error

    return evaluate


def _index_of(value: Any, item: Any, start: int = 0) -> int:
    if isinstance(value, str):
        return value.find(item, start)
    return next((index for index, each in enumerate(value) if each == item), -1)


def _last_index_of(value: Any, item: Any, end: int | None = None) -> int:
    if isinstance(value, str):
        return value.rfind(item) if end is None else value.rfind(item, 0, end + len(item))
    return next((index for index in range(len(value) - 1, -1, -1) if value[index] == item), -1)


def _is_sorted(values: Sequence[Any]) -> bool:
    return all(values[index] <= values[index + 1] for index in range(len(values) - 1))


def _find(text: str, pattern: str) -> str:
    found = re.search(pattern, text)
    return found[0] if found else ""


def _find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    found = [each[0] for each in re.finditer(pattern, text)]
    return found if limit < 0 else found[:limit]


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        return list(text)
    return text.split(separator) if limit < 0 else text.split(separator, limit - 1)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    return text.replace(old, new, limit)


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise ValueError(f"index out of range: {start}")
    return text[start:stop]


def _ascii(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(change(char) if char.isascii() else char for char in text)


def _url(text: str) -> str:
    if not _is_url(text):
        raise ValueError(f"URL parse error during conversion from string: {text}")
    return text


def _is_url(text: str) -> bool:
    try:
        found = urlsplit(text)
    except ValueError:
        return False
    return bool(found.scheme and found.netloc) or text.startswith("/")


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "isSorted": _is_sorted,
    "sum": lambda values: sum(values),
    "min": lambda *values: min(values[0] if len(values) == 1 else values),
    "max": lambda *values: max(values[0] if len(values) == 1 else values),
    "find": _find,
    "findAll": _find_all,
    "charAt": lambda text, index: _substring(text, index, min(index + 1, len(text))),
    "split": _split,
    "join": lambda values, separator="": separator.join(values),
    "replace": _replace,
    "substring": _substring,
    "trim": lambda text: text.strip(),
    "lowerAscii": _ascii(str.lower),
    "upperAscii": _ascii(str.upper),
    "url": _url,
    "isURL": _is_url,
    "getScheme": lambda text: urlsplit(text).scheme,
    "getHost": lambda text: urlsplit(text).netloc,
    "getHostname": lambda text: urlsplit(text).hostname or "",
    "getPort": lambda text: str(urlsplit(text).port or ""),
    "getEscapedPath": lambda text: urlsplit(text).path,
    "getQuery": lambda text: parse_qs(urlsplit(text).query, keep_blank_values=True),
}
