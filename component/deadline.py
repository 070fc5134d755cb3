"""One time limit for many short tasks: what `asyncio.timeout` does, at the price of an entry in a dict.

A server that limits every request would otherwise start and cancel a timer of the event loop for each of them. All
entries last equally long, so they run out in the order in which they began, and one timer, for the oldest, serves
all."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """Limits the tasks that enter it, each to the same number of seconds. For one event loop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: dict[_Entry, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def within(self) -> _Entry:
        """A context manager: its body is cancelled when the time is over, and TimeoutError raised instead."""
        return _Entry(self)

    def _begin(self) -> asyncio.AbstractEventLoop:
        """The event loop, which is asked for once: each time costs a system call."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _look(self) -> None:
        """Cancel what has run out, and look again when the next one does."""
        loop = self._loop or self._begin()
        now = loop.time()
        self._timer = None
        for entry in tuple(self._running):
            if entry.ends > now:
                self._timer = loop.call_at(entry.ends, self._look)
                return
            del self._running[entry]
            entry.run_out()


class _Entry:
    """One task's stay; `asyncio.Timeout` is the model, and like there a cancellation from outside wins."""

    __slots__ = ("_cancelling", "_deadline", "_over", "_task", "ends")

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._over = False

    def __enter__(self) -> None:
        deadline = self._deadline
        loop = deadline._loop or deadline._begin()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("a deadline is for tasks")
        self._task = task
        self._cancelling = task.cancelling()
        self.ends = loop.time() + deadline.seconds
        deadline._running[self] = None
        if deadline._timer is None:
            deadline._timer = loop.call_at(self.ends, deadline._look)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadline._running.pop(self, None)
        if self._over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def run_out(self) -> None:
        """The time is over."""
        self._over = True
        self._task.cancel()
