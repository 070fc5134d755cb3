"""Takes audit events to where they are kept, in groups, in order: to the log file, by a thread, or to a webhook.

In blocking mode a request waits for its events to be written; in batch mode it never does, and what does not fit
into the buffer is counted and lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from apiserver.audit.event import Record
from component.counter import LightCounter

logger = logging.getLogger(__name__)

BLOCKING, BATCH, STRICT = "blocking", "batch", "blocking-strict"
MODES = (BLOCKING, BATCH, STRICT)
_DRAIN_SECONDS = 10.0
_LOOK_SECONDS = 0.5  #: how soon a group that waits for others sees that the server ends

EVENTS = LightCounter(
    "apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend."
).labels()
ERRORS = LightCounter(
    "apiserver_audit_error_total", "Counter of audit events that failed to be audited properly.", ("plugin",)
)
REJECTED = LightCounter(
    "apiserver_audit_requests_rejected_total", "Requests refused because they could not be recorded."
).labels()
LEVELS = LightCounter("apiserver_audit_level_total", "Requests, by how much of them is recorded.", ("level",))

#: Makes a line of a record's stage at a time.
Format = Callable[[Record, str, datetime], bytes]


class Sink(Protocol):
    """Where events end up. `name` is that of the metrics: "log", "webhook"."""

    name: str

    async def write(self, lines: Callable[[], list[bytes]]) -> None:
        """Keep what `lines` makes, which takes a while; raises OSError, ValueError, TypeError, RecursionError."""
        ...

    async def close(self) -> None:
        """No more will come."""
        ...


class AuditFailed(Exception):
    """An event could not be written."""


@dataclass(slots=True)
class _Waiting:
    record: Record
    stage: str
    at: datetime
    written: asyncio.Future[None] | None


class Backend:
    """The way to a sink. `run` is a task of the process."""

    def __init__(
        self,
        sink: Sink,
        form: Format,
        *,
        mode: str = BLOCKING,
        buffer_size: int = 10_000,
        group_size: int = 400,
        wait_seconds: float = 0.0,
    ) -> None:
        """`group_size`: most events at once; `wait_seconds`: how long one may wait for others, in batch mode."""
        self._sink = sink
        self._group_size = group_size
        self._wait_seconds = wait_seconds if mode == BATCH else 0.0
        self._form = form
        self._mode = mode
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(buffer_size)
        self._failing = False
        self._closing = False

    @property
    def name(self) -> str:
        """Of the sink."""
        return self._sink.name

    async def write(self, record: Record, stage: str) -> None:
        """Record a stage; in blocking mode until it is kept. Raises AuditFailed in strict mode only."""
        if self._mode == BATCH:
            self.put(record, stage)
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(self._waiting(record, stage, written))
        try:
            await written
        except AuditFailed:
            if self._mode == STRICT:
                REJECTED.inc()
                raise

    def put(self, record: Record, stage: str) -> None:
        """Record a stage without waiting."""
        try:
            self._queue.put_nowait(self._waiting(record, stage, None))
        except asyncio.QueueFull:
            ERRORS.labels("buffered").inc()

    def _waiting(self, record: Record, stage: str, written: asyncio.Future[None] | None) -> _Waiting:
        snapshot = copy(record)  # the request goes on changing its own
        snapshot.annotations = dict(record.annotations)
        return _Waiting(snapshot, stage, datetime.now(UTC), written)

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            group = [await self._queue.get()]
            await self._gather(group)
            try:
                await self._write(group)
            finally:
                for _ in group:
                    self._queue.task_done()

    async def _gather(self, group: list[_Waiting]) -> None:
        """Others that are there already, or come while the first may wait."""
        until = asyncio.get_running_loop().time() + self._wait_seconds
        while len(group) < self._group_size:
            if not self._queue.empty():
                group.append(self._queue.get_nowait())
                continue
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or self._closing:
                return
            try:
                async with asyncio.timeout(min(left, _LOOK_SECONDS)):
                    group.append(await self._queue.get())
            except TimeoutError:
                continue

    async def close(self, writing: asyncio.Task[None]) -> None:
        """Let the task that runs `run` write what is still waiting, for a while, and end it."""
        self._closing = True
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._queue.join()
        except TimeoutError:
            logger.warning("Audit events are lost", extra={"events": self._queue.qsize()})
        writing.cancel()
        await asyncio.wait({writing})
        await self._sink.close()

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            await self._sink.write(lambda: [self._form(item.record, item.stage, item.at) for item in group])
        except (OSError, ValueError, TypeError, RecursionError) as error:
            ERRORS.labels(self._sink.name).inc(len(group))
            if not self._failing:
                logger.error("Audit events cannot be kept", extra={"plugin": self._sink.name, "error": str(error)})
            self._failing = True
            for item in group:
                if item.written is not None and not item.written.done():
                    item.written.set_exception(AuditFailed(f"the audit event cannot be written: {error}"))
            return
        self._failing = False
        for item in group:
            if item.written is not None and not item.written.done():
                item.written.set_result(None)


class Backends:
    """All the ways that an event goes."""

    def __init__(self, backends: Sequence[Backend]) -> None:
        self.each = tuple(backends)

    async def write(self, record: Record, stage: str) -> None:
        """Record a stage in all of them; raises AuditFailed where a strict one fails."""
        EVENTS.inc()
        for backend in self.each:
            await backend.write(record, stage)

    def put(self, record: Record, stage: str) -> None:
        """Record a stage in all of them, without waiting."""
        EVENTS.inc()
        for backend in self.each:
            backend.put(record, stage)
