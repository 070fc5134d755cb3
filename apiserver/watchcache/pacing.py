"""How often many watchers are told of changes, and how many of them at a time.

A write to a socket costs much the same for one event as for ten. While watchers are few or changes rare each change is
told at once; where telling all takes long, a pause follows that leaves others as much time, and what comes meanwhile
is told together. Between a few watchers and the next few, whatever else there is to do has its turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

_AT_A_TIME = 64
_LONGEST_PAUSE_SECONDS = 0.1
_NO_PAUSE_SECONDS = 0.001  #: a round that is over so soon needs no pause, which would cost a timer


class Pacer:
    """Goes round when there is news. For one event loop."""

    def __init__(self, begin: Callable[[], Sequence[Callable[[], None]]]) -> None:
        """`begin` is called at the beginning of a round and says whom to tell in it, each by a call."""
        self._begin = begin
        self._news = False
        self._next: asyncio.Handle | None = None  # of a round or the pause after it

    def news(self) -> None:
        """There is something to tell."""
        self._news = True
        if self._next is None:
            self._go(asyncio.get_running_loop())

    def _go(self, loop: asyncio.AbstractEventLoop) -> None:
        self._news = False
        self._tell(loop, self._begin(), 0, time.perf_counter())

    def _tell(self, loop: asyncio.AbstractEventLoop, all_: Sequence[Callable[[], None]], at: int, began: float) -> None:
        for tell in all_[at : at + _AT_A_TIME]:
            tell()
        at += _AT_A_TIME
        # What those who were told do now comes before what is asked for after them.
        if at < len(all_):
            self._next = loop.call_soon(self._tell, loop, all_, at, began)
        else:
            self._next = loop.call_soon(self._told, loop, began)

    def _told(self, loop: asyncio.AbstractEventLoop, began: float) -> None:
        took = time.perf_counter() - began
        if took < _NO_PAUSE_SECONDS:
            self._go_on(loop)
        else:
            self._next = loop.call_later(min(_LONGEST_PAUSE_SECONDS, took), self._go_on, loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = None
        if self._news:
            self._go(loop)
