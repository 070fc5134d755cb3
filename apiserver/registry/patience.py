"""Decisions that may take long: made at once where they do not, else in a thread, while other requests are answered.

Expressions (CEL) count what they cost, and say early that it will be more than others should wait for; a large body is
decoded, and a large object changed or checked, in a thread from the start. Threads share the interpreter, but none
keeps it for longer than its switch interval; more than a few at once would leave the others too little of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar

import orjson

from apimachinery.cel.evaluation import Hurried, TakesLong
from apimachinery.objects import Object

T = TypeVar("T")
_THREADS: Final = 2
#: Looking at all of so much takes longer than others should wait.
_LARGE_BYTES: Final = 1 << 16
_executor: Final = ThreadPoolExecutor(_THREADS, thread_name_prefix="patience")


async def patiently(decide: Callable[[], T], large: Object | None = None) -> T:
    """What a pure function comes to, which may be called twice; raises what it raises. `large`: what may be so large
    that it is not worth a try."""
    if large is None or not is_large(large):
        try:
            with Hurried():
                return decide()
        except TakesLong:
            pass
    return await _aside(decide)


async def by_size(decide: Callable[[], T], size: int) -> T:
    """What a pure function, called once, comes to that goes through `size` bytes; raises what it raises."""
    return await _aside(decide) if size > _LARGE_BYTES else decide()


async def _aside(decide: Callable[[], T]) -> T:
    # Checks of the authorizer are answered by what is known in this context.
    return await asyncio.get_running_loop().run_in_executor(_executor, copy_context().run, decide)


def is_large(obj: Object) -> bool:
    """Whether looking at all of it takes longer than others should wait."""
    try:
        return len(orjson.dumps(obj)) > _LARGE_BYTES
    except orjson.JSONEncodeError:  # patches can nest deeper than any body may
        return True
