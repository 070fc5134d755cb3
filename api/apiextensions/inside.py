"""Whether something is said anywhere in a structural schema: what nothing asks for need not be looked at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = Mapping[str, Any]


def anywhere(schema: Schema, test: Callable[[Schema], bool]) -> bool:
    """Whether the schema, or one inside of it, passes the test."""
    if test(schema):
        return True
    inner = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(anywhere(each, test) for each in inner if isinstance(each, Mapping))


def says(schema: Schema, word: str) -> bool:
    """Whether the word is said anywhere, and not to be false or empty."""
    return anywhere(schema, lambda each: bool(each.get(word)))
