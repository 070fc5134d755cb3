"""A cache for functions of texts that clients send. Pure.

`functools.lru_cache` holds on to its arguments: a few thousand texts of a megabyte each, which anybody may send, would
be all of the memory. Long ones are worked out each time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
#: Characters; names, patterns and selectors that are meant are shorter.
LONGEST: Final = 1024


def remembered(
    maxsize: int,
) -> Callable[[Callable[Concatenate[str, P], R]], Callable[Concatenate[str, P], R]]:
    """Remember the newest results for texts that are not long (the first argument)."""

    def decorate(function: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
        kept = lru_cache(maxsize)(function)

        @wraps(function)
        def answer(text: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if len(text) > LONGEST:
                return function(text, *args, **kwargs)
            return kept(text, *args, **kwargs)  # type: ignore[arg-type]  # they are hashable, or lru_cache says so

        return answer

    return decorate
