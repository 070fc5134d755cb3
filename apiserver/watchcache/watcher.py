"""One client's watch: a position in a cache's window, read at the client's own pace.

It yields bytes (whole lines of JSON, several events at once where they came together) and holds no queue. Where the
window has moved on past it, or the cache had to be filled anew, it ends with `Gone` and the client lists again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import orjson

from apimachinery.errors import Gone
from apimachinery.objects import Object
from apiserver.storage.interface import Revision
from apiserver.watchcache.encoding import frame
from apiserver.watchcache.window import CachedObject, Change, Transform, Trigger, fitting

if TYPE_CHECKING:
    from apiserver.watchcache.cache import WatchCache

_BATCH_BYTES = 256 << 10  #: most of objects handed out at a time, unless one is more: what a client may leave unread
_BOOKMARK_SECONDS = 60.0
_BOOKMARK_BEFORE_END_SECONDS = 2.0


class Watcher:
    """`async for data in watcher`; call `close` when done (or use `async with`). Made by `WatchCache.watch`."""

    batch_events: ClassVar[int] = 256  #: most events looked at before bytes are handed out

    def __init__(
        self,
        cache: WatchCache,
        namespace: str,
        name: str,
        matches: Callable[[Object], bool] | None,
        position: int,
        after: Revision,
        transform: Transform | None,
        *,
        trigger: Trigger | None,
        bookmarks: bool,
        initial: Sequence[CachedObject],
        initial_end: bool,
        timeout_seconds: float | None,
    ) -> None:
        self._cache = cache
        self._namespace = namespace if cache.resource.namespaced else ""
        self._name = name
        self._matches = matches
        self._trigger = trigger
        self._position = position
        self._after = after
        self._transform = transform
        self._bookmarks = bookmarks
        self._initial = initial
        self._initial_at = 0
        self._initial_end = initial_end  # a bookmark that says so is still to be sent
        self._loop = asyncio.get_running_loop()  # asking for it is a system call
        now = self._loop.time()
        self._ends = now + timeout_seconds if timeout_seconds is not None else None
        self._next_bookmark = now + _BOOKMARK_SECONDS
        if self._ends is not None:
            self._next_bookmark = min(self._next_bookmark, max(now, self._ends - _BOOKMARK_BEFORE_END_SECONDS))
        self._cut = False
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next lines. Raises `Gone` where events were missed."""
        while True:
            if self._closed:
                raise StopAsyncIteration
            data = await self._next()
            if data:
                return data
            now = self._loop.time()
            if self._ends is not None and now >= self._ends:
                self.close()
                continue
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; a reader that waits is told the end."""
        self._closed = True
        self._initial = ()
        self._cache.forget(self)
        self.wake()

    def cut(self) -> None:
        """The cache has lost the history this watch stands in."""
        self._cut = True
        self.wake()

    def wake(self) -> None:
        """There may be something to read."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def due(self, seconds: float) -> bool:
        """Whether a bookmark or the end is due at the loop's time `seconds`."""
        return (self._bookmarks and seconds >= self._next_bookmark) or (
            self._ends is not None and seconds >= self._ends
        )

    async def _next(self) -> bytes:
        """What there is to read now; may be nothing."""
        return self._collect()

    def _collect(self) -> bytes:
        while self._initial_at < len(self._initial):
            if data := self._next_initial():
                return data
        if self._initial_end:
            self._initial = ()
            self._initial_end = False
            return self._bookmark(self._after, initial_end=True)
        while changes := self._following():
            data = self._frames(changes)
            self._passed(changes)
            if data:
                return data
        return self._due_bookmark()

    def _following(self) -> Sequence[Change]:
        """The next changes; raises `Gone` where some were missed."""
        changes = None if self._cut else self._cache.window.since(self._position, self.batch_events, _BATCH_BYTES)
        if changes is None:
            self._cache.too_slow += not self._cut
            self.close()
            raise Gone(f"too old resource version: {self._after} ({self._cache.window.base})")
        return changes

    def _passed(self, changes: Sequence[Change]) -> None:
        self._position += len(changes)
        self._after = max(self._after, changes[-1].revision)

    def _next_initial(self) -> bytes:
        return b"".join([self._initial_frame(item) for item in self._initial_batch() if self._selects(item)])

    def _initial_batch(self) -> Sequence[CachedObject]:
        """The next of the objects there were at the beginning."""
        batch = fitting(self._initial[self._initial_at : self._initial_at + self.batch_events], _BATCH_BYTES)
        self._initial_at += len(batch)
        self._cache.initial_events += len(batch)
        return batch

    def _initial_frame(self, item: CachedObject) -> bytes:
        if self._transform is None:
            return frame("ADDED", item.raw)
        return frame("ADDED", orjson.dumps(self._transform(item.obj)))

    def _frames(self, changes: Sequence[Change]) -> bytes:
        if not self._namespace and not self._name and self._matches is None and changes[0].revision > self._after:
            return self._cache.joined(self._position, changes, self._transform)
        return b"".join([self._frame(change) for change in changes if change.revision > self._after])

    def _frame(self, change: Change) -> bytes:
        event = self._event_type(change)
        return change.frame_of(event, self._transform) if event else b""

    def _event_type(self, change: Change) -> str:
        """What the change is to this watcher; "" where it does not see it."""
        subject = change.subject
        if (self._namespace and subject.namespace != self._namespace) or (self._name and subject.name != self._name):
            return ""
        if self._trigger is not None and not change.touches(self._trigger):
            return ""
        is_in = change.current is not None and self._accepts(change.current)
        was_in = change.previous is not None and self._accepts(change.previous)
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else ""

    def _selects(self, item: CachedObject) -> bool:
        if (self._namespace and item.namespace != self._namespace) or (self._name and item.name != self._name):
            return False
        return self._accepts(item)

    def _accepts(self, item: CachedObject) -> bool:
        return self._matches is None or self._matches(item.obj)

    def _due_bookmark(self) -> bytes:
        if not self._bookmarks or (now := self._loop.time()) < self._next_bookmark:
            return b""
        self._next_bookmark = now + _BOOKMARK_SECONDS
        return self._bookmark(max(self._after, self._cache.revision), initial_end=False)

    def _bookmark(self, revision: Revision, *, initial_end: bool) -> bytes:
        obj = self._cache.bookmark(revision, initial_end=initial_end)
        return frame("BOOKMARK", orjson.dumps(self._transform(obj) if self._transform else obj))
