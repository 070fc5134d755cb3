"""Takes audit events from the event loop to the log file: formatted and written by a thread, in groups, in order.

In blocking mode a request waits for its events to be written; in batch mode it never does, and what does not fit
into the buffer is counted and lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Counter

from apiserver.audit.event import Record
from apiserver.audit.logfile import LogFile

logger = logging.getLogger(__name__)

BLOCKING, BATCH, STRICT = "blocking", "batch", "blocking-strict"
MODES = (BLOCKING, BATCH, STRICT)
_MAX_GROUP = 400
_DRAIN_SECONDS = 10.0

EVENTS = Counter("apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend.")
ERRORS = Counter(
    "apiserver_audit_error_total", "Counter of audit events that failed to be audited properly.", ["plugin"]
)

#: Makes a line of a record's stage at a time.
Format = Callable[[Record, str, datetime], bytes]


class AuditFailed(Exception):
    """An event could not be written."""


@dataclass(slots=True)
class _Waiting:
    record: Record
    stage: str
    at: datetime
    written: asyncio.Future[None] | None


class Backend:
    """The way to the file. `run` is a task of the process."""

    def __init__(self, file: LogFile, form: Format, *, mode: str = BLOCKING, buffer_size: int = 10_000) -> None:
        self._file = file
        self._form = form
        self._mode = mode
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(buffer_size)
        self._failing = False

    async def write(self, record: Record, stage: str) -> None:
        """Record a stage; in blocking mode until it is in the file. Raises AuditFailed in strict mode only."""
        if self._mode == BATCH:
            self.put(record, stage)
            return
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(self._waiting(record, stage, written))
        try:
            await written
        except AuditFailed:
            if self._mode == STRICT:
                raise

    def put(self, record: Record, stage: str) -> None:
        """Record a stage without waiting."""
        try:
            self._queue.put_nowait(self._waiting(record, stage, None))
        except asyncio.QueueFull:
            ERRORS.labels("buffered").inc()

    def _waiting(self, record: Record, stage: str, written: asyncio.Future[None] | None) -> _Waiting:
        EVENTS.inc()
        snapshot = copy(record)  # the request goes on changing its own
        snapshot.annotations = dict(record.annotations)
        return _Waiting(snapshot, stage, datetime.now(UTC), written)

    async def run(self) -> None:
        """Write what comes, until cancelled."""
        while True:
            group = [await self._queue.get()]
            while len(group) < _MAX_GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                await self._write(group)
            finally:
                for _ in group:
                    self._queue.task_done()

    async def close(self, writing: asyncio.Task[None]) -> None:
        """Let the task that runs `run` write what is still waiting, for a while, and end it."""
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await self._queue.join()
        except TimeoutError:
            logger.warning("Audit events are lost", extra={"events": self._queue.qsize()})
        writing.cancel()
        await asyncio.wait({writing})
        await asyncio.to_thread(self._file.close)

    async def _write(self, group: Sequence[_Waiting]) -> None:
        try:
            await asyncio.to_thread(self._write_lines, group)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            ERRORS.labels("log").inc(len(group))
            if not self._failing:
                logger.error("The audit log cannot be written", extra={"error": str(error)})
            self._failing = True
            for item in group:
                if item.written is not None and not item.written.done():
                    item.written.set_exception(AuditFailed(f"the audit event cannot be written: {error}"))
            return
        self._failing = False
        for item in group:
            if item.written is not None and not item.written.done():
                item.written.set_result(None)

    def _write_lines(self, group: Sequence[_Waiting]) -> None:
        self._file.write([self._form(item.record, item.stage, item.at) for item in group])
