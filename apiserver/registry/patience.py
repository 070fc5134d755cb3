"""Decisions that may take long: made at once where they do not, else in a thread, while other requests are answered.

Only expressions (CEL) know: they count what they cost, and say early that it will be more than others should wait for.
Threads share the interpreter, but none keeps it for longer than the interpreter's switch interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from apimachinery.cel.evaluation import TakesLong, hurried

T = TypeVar("T")


async def patiently(decide: Callable[[], T]) -> T:
    """What a pure function comes to, which may be called twice; raises what it raises."""
    try:
        with hurried():
            return decide()
    except TakesLong:
        return await asyncio.to_thread(decide)
