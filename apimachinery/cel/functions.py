"""What Kubernetes' CEL functions do (k8s.io/apiserver/pkg/cel/library: lists, regex, URLs). Pure.

Each raises ValueError for arguments it has no answer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from apimachinery import regex
from apimachinery.remembering import remembered


def is_sorted(values: Sequence[Any]) -> bool:
    """Whether no value is greater than the next."""
    return all(values[index] <= values[index + 1] for index in range(len(values) - 1))


def total(values: Sequence[Any]) -> Any:
    """The sum; 0 of nothing."""
    return sum(values[1:], values[0]) if values else 0


def least(values: Sequence[Any]) -> Any:
    """The least value."""
    if not values:
        raise ValueError("min called on empty list")
    return min(values)


def greatest(values: Sequence[Any]) -> Any:
    """The greatest value."""
    if not values:
        raise ValueError("max called on empty list")
    return max(values)


@remembered(256)
def _pattern(text: str) -> regex.Pattern:
    try:
        return regex.compile_pattern(text)
    except regex.PatternError as error:
        raise ValueError(f"Illegal regex: {error}") from error


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern occurs."""
    try:
        return _pattern(pattern).matches(text)
    except ValueError as error:  # the language's own function names its library's error alone
        raise ValueError(str(error.__cause__)) from error


def find(text: str, pattern: str) -> str:
    """The first match; "" where there is none."""
    return next(_pattern(pattern).find_all(text), "")


def find_all(text: str, pattern: str, limit: int = -1) -> list[str]:
    """All matches, or the first `limit` (negative: all)."""
    found = list(_pattern(pattern).find_all(text))
    return found if limit < 0 else found[:limit]


def parse_url(text: str) -> SplitResult:
    """The parts of an absolute URL or path."""
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (raises for one that is no number)
    except ValueError as error:
        raise ValueError(f"URL parse error during conversion from string: {error}") from error
    if not (parts.scheme and (parts.netloc or parts.path)) and not text.startswith("/"):
        raise ValueError(f"URL parse error during conversion from string: parse {text!r}: invalid URI for request")
    return parts


def is_url(text: str) -> bool:
    """Whether `parse_url` accepts it."""
    try:
        parse_url(text)
    except ValueError:
        return False
    return True


def host(text: str) -> str:
    """Host and port, without the user."""
    return parse_url(text).netloc.rpartition("@")[2]


def hostname(text: str) -> str:
    """The host without its port and brackets."""
    return parse_url(text).hostname or ""


def port(text: str) -> str:
    """The port; "" where none is said."""
    return host(text).rpartition("]")[2].partition(":")[2]


def query(text: str) -> Mapping[str, Sequence[str]]:
    """Each query parameter's values."""
    return dict(parse_qs(parse_url(text).query, keep_blank_values=True))
