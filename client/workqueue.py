"""A queue of keys: each key at most once at a time, later additions while it is worked on kept, failures backed off.

The semantics are those of client-go's util/workqueue. Times are those of the running event loop."""

from __future__ import annotations

import asyncio
from collections import deque

from client import metrics

_MAX_EXPONENT = 60


class ShutDown(Exception):
    """The queue was shut down and is empty."""


class WorkQueue:
    """Keys to reconcile. Not thread-safe: one event loop."""

    def __init__(self, name: str, *, base_delay_seconds: float = 0.005, max_delay_seconds: float = 1000.0) -> None:
        self.name = name
        self._base = base_delay_seconds
        self._max = max_delay_seconds
        self._ready: deque[str] = deque()
        self._dirty: dict[str, float] = {}  # waiting, or to be queued again once done: key to the time it was added
        self._working: dict[str, float] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._getters: deque[asyncio.Future[None]] = deque()
        self._shut_down = False
        self._depth = metrics.DEPTH.labels(name)
        self._adds = metrics.ADDS.labels(name)
        self._retries = metrics.RETRIES.labels(name)
        self._queued = metrics.QUEUE_SECONDS.labels(name)
        self._worked = metrics.WORK_SECONDS.labels(name)
        metrics.UNFINISHED_SECONDS.labels(name).set_function(lambda: sum(self._ages()))
        metrics.LONGEST_SECONDS.labels(name).set_function(lambda: max(self._ages(), default=0.0))

    def add(self, key: str) -> None:
        """Enqueue now, unless it already waits."""
        if self._shut_down or key in self._dirty:
            return
        self._dirty[key] = asyncio.get_running_loop().time()
        self._adds.inc()
        if key not in self._working:
            self._enqueue(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Enqueue later; the soonest of several wins."""
        if self._shut_down:
            return
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._due, key)

    def add_rate_limited(self, key: str) -> None:
        """Enqueue after this key's own exponential back-off."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self._retries.inc()
        self.add_after(key, min(self._base * 2.0 ** min(failures, _MAX_EXPONENT), self._max))

    def forget(self, key: str) -> None:
        """Start this key's back-off anew."""
        self._failures.pop(key, None)

    def num_requeues(self, key: str) -> int:
        """How often the key was backed off since it was last forgotten."""
        return self._failures.get(key, 0)

    async def get(self) -> str:
        """The next key; the caller must call `done` with it. Raises `ShutDown` once shut down and drained."""
        loop = asyncio.get_running_loop()
        while not self._ready:
            if self._shut_down:
                raise ShutDown(self.name)
            getter: asyncio.Future[None] = loop.create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake()  # what woke this one is passed on
                elif getter in self._getters:
                    self._getters.remove(getter)
                raise
        key = self._ready.popleft()
        self._depth.dec()
        now = loop.time()
        self._queued.observe(now - self._dirty.pop(key))
        self._working[key] = now
        return key

    def done(self, key: str) -> None:
        """The work on this key is over (for now)."""
        started = self._working.pop(key, None)
        if started is None:
            return
        self._worked.observe(asyncio.get_running_loop().time() - started)
        if key in self._dirty:
            self._enqueue(key)

    def shut_down(self) -> None:
        """Take no more keys; `get` ends once empty."""
        self._shut_down = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._getters:
            self._wake()

    def __len__(self) -> int:
        return len(self._ready)

    def _enqueue(self, key: str) -> None:
        self._ready.append(key)
        self._depth.inc()
        self._wake()

    def _wake(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _ages(self) -> list[float]:
        if not self._working:
            return []
        now = asyncio.get_running_loop().time()
        return [now - started for started in self._working.values()]
