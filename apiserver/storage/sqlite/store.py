"""The embedded store's asynchronous front: one thread owns the database and commits what has queued up as one group.

Watches need no queue of their own: recent changes are kept once, and who lags behind them reads the log itself.
`database.py` has the log; the protocol is `apiserver.storage.interface.Storage`."""

from __future__ import annotations

import asyncio
import functools
import logging
import queue
import threading
import time
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from apiserver.storage.interface import (
    Delete,
    Mismatch,
    Page,
    Put,
    Revision,
    StorageError,
    StorageEvent,
    Stored,
    Unavailable,
    WatchBatch,
)
from apiserver.storage.sqlite.database import Database

T = TypeVar("T")
logger = logging.getLogger(__name__)

_GROUP = 256  #: most commits made durable together
_QUEUE = 4096
_CALL_SECONDS = 30.0
_RECENT_EVENTS = 2048
_HISTORY_EVENTS = 512
_EXPIRY_SECONDS = 1.0


@dataclass(slots=True)
class _Commit:
    writes: Sequence[Put | Delete]
    done: asyncio.Future[Revision]


@dataclass(slots=True)
class _Call:
    function: Callable[[], Any]
    done: asyncio.Future[Any]


class SqliteStorage:
    """A `Storage` in one file of this machine, or in memory. Made by `open_sqlite`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.Queue[_Commit | _Call | None] = queue.Queue(_QUEUE)
        self._published: Revision = database.revision
        self._recent: list[StorageEvent] = []
        self._recent_after: Revision = database.revision  # _recent is complete above this
        self._changed = asyncio.Event()  # replaced at every change
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="sqlite", daemon=True)
        self._thread.start()
        self._expiry = asyncio.create_task(self._expire_regularly(), name="sqlite-expiry")

    async def get(self, key: str) -> Stored | None:
        """See `Storage.get`."""
        return await self._call(functools.partial(self._database.get, key))

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: Revision = 0) -> Page:
        """See `Storage.list`."""
        return await self._call(functools.partial(self._database.page, prefix, limit, start_after, revision))

    async def commit(self, writes: Sequence[Put | Delete]) -> Revision:
        """See `Storage.commit`."""
        if len({write.key for write in writes}) != len(writes) or not writes:
            raise ValueError("a commit writes at least one key, and each only once")
        done: asyncio.Future[Revision] = self._loop.create_future()
        self._submit(_Commit(writes, done))
        return await self._in_time(done)

    async def current_revision(self) -> Revision:
        """See `Storage.current_revision`; this process is the only writer, so no read is needed."""
        if self._closed:
            raise Unavailable("the store is closed")
        return self._published

    async def watch(self, prefix: str, *, after: Revision) -> AsyncIterator[WatchBatch]:
        """See `Storage.watch`."""
        seen = after
        while True:
            if self._closed:
                raise Unavailable("the store is closed")
            if seen >= self._published:
                changed = self._changed
                await changed.wait()
                continue
            if seen >= self._recent_after:
                start = bisect_right(self._recent, seen, key=lambda event: event.revision)
                events, upto = self._recent[start:], self._published
                events = [event for event in events if event.key.startswith(prefix)] if prefix else events
            else:
                history = functools.partial(self._database.history, prefix, seen, _HISTORY_EVENTS)
                events, upto = await self._call(history)
            seen = upto
            yield WatchBatch(events, upto)

    async def compact(self, revision: Revision) -> None:
        """See `Storage.compact`."""
        await self._call(functools.partial(self._database.compact, revision))
        self._forget_recent(revision)

    async def size_bytes(self) -> int:
        """See `Storage.size_bytes`."""
        return await self._call(self._database.size_bytes)

    async def close(self) -> None:
        """See `Storage.close`; what was submitted before is still done."""
        if self._closed:
            return
        self._closed = True
        self._expiry.cancel()
        await asyncio.to_thread(self._jobs.put, None)
        await asyncio.to_thread(self._thread.join)
        self._changed.set()

    async def _call(self, function: Callable[[], T]) -> T:
        done: asyncio.Future[T] = self._loop.create_future()
        self._submit(_Call(function, done))
        return await self._in_time(done)

    def _submit(self, job: _Commit | _Call) -> None:
        if self._closed:
            raise Unavailable("the store is closed")
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Unavailable("the store has too much to do") from None

    async def _in_time(self, done: asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                return await done
        except TimeoutError:
            raise Unavailable(f"the store has not answered within {_CALL_SECONDS:.0f} s") from None

    async def _expire_regularly(self) -> None:
        while True:
            await asyncio.sleep(_EXPIRY_SECONDS)
            try:
                await self._call(self._expire)
            except StorageError as error:
                logger.warning("Could not delete expired keys", extra={"error": str(error)})

    def _publish(self, events: Sequence[StorageEvent]) -> None:
        if not events:
            return
        self._recent.extend(events)
        if len(self._recent) > 2 * _RECENT_EVENTS:
            self._forget_recent(self._recent[-_RECENT_EVENTS].revision)
        self._published = events[-1].revision
        self._changed.set()
        self._changed = asyncio.Event()

    def _forget_recent(self, revision: Revision) -> None:
        """Keep in memory only what came after `revision`."""
        if revision > self._recent_after:
            del self._recent[: bisect_right(self._recent, revision, key=lambda event: event.revision)]
            self._recent_after = revision

    # The thread

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            group = []
            while isinstance(job, _Commit):
                group.append(job)
                if len(group) >= _GROUP:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            if group:
                self._commit_group(group)
            if job is None:
                self._database.close()
                return
            if isinstance(job, _Call):
                self._run(job)

    def _expire(self) -> None:
        # Published from here, not by the waiting task: events must reach the loop in the order of their revisions.
        self._tell(self._publish, self._database.expire(time.time()))

    def _commit_group(self, group: Sequence[_Commit]) -> None:
        now = time.time()
        try:
            results, events = self._database.commit_all([(commit.writes, now) for commit in group])
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are to hear of it
            self._tell(self._failed, [commit.done for commit in group], error)
        else:
            self._tell(self._committed, group, results, events)

    def _run(self, call: _Call) -> None:
        try:
            result = call.function()
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is to hear of it
            self._tell(self._failed, [call.done], error)
        else:
            self._tell(_resolve, call.done, result)

    def _tell(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    # Back on the loop

    def _committed(
        self, group: Sequence[_Commit], results: Sequence[Revision | Mismatch], events: Sequence[StorageEvent]
    ) -> None:
        self._publish(events)
        for commit, result in zip(group, results, strict=True):
            if commit.done.done():
                continue
            if isinstance(result, Mismatch):
                commit.done.set_exception(result)
            else:
                commit.done.set_result(result)

    def _failed(self, waiting: Sequence[asyncio.Future[Any]], error: Exception) -> None:
        for done in waiting:
            if not done.done():
                done.set_exception(error)


def _resolve(done: asyncio.Future[Any], result: Any) -> None:
    if not done.done():
        done.set_result(result)


async def open_sqlite(path: str) -> SqliteStorage:
    """The store in the file `path` (made where it is missing; ":memory:" for none); raises `Unavailable`."""
    return SqliteStorage(await asyncio.to_thread(Database, path))
