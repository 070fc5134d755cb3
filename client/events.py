"""The event recorder: core/v1 Events, written in the background, repeated ones counted up (client-go tools/record).

Which are repetitions is decided in `client.eventcorrelation`."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from api.resources import CORE_EVENTS
from apimachinery.errors import AlreadyExists, ApiError, NotFound, ServiceUnavailable, TooManyRequests
from apimachinery.objects import Object, format_time
from client.eventcorrelation import Correlator, Key, Written
from client.rest import RestClient

logger = logging.getLogger(__name__)
_MOST_WAITING = 10_000
_WRITERS = 4
_TRIES = 12
_RETRY_SECONDS = 5.0
_FLUSH_SECONDS = 2.0
_MAX_MESSAGE_BYTES = 1024


@dataclass(slots=True)
class _Waiting:
    """One or several alike that wait to be written as one: the first's name and time, the last's message."""

    event: Object

    def add(self, again: Object) -> None:
        self.event["count"] += 1
        self.event["message"], self.event["lastTimestamp"] = again["message"], again["lastTimestamp"]


class EventRecorder:
    """Records Events about objects. `event` never waits and never fails; `run` writes several at a time.

    Repetitions of one that still waits are counted on it, so that what waits is bounded by how many different ones
    there are; beyond the bound new ones are dropped, and the log says how many."""

    def __init__(self, client: RestClient, *, component: str, host: str = "") -> None:
        self._client = client
        self._component = component
        self._host = host
        self._waiting: dict[Key, _Waiting] = {}
        self._working: set[Key] = set()
        self._queue: asyncio.Queue[Key] = asyncio.Queue()  # keys of `_waiting`, so bounded with it
        self._correlator = Correlator()
        self._dropped = 0

    def event(self, about: Object, type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """`type` is "Normal" or "Warning"; `about` needs apiVersion, kind and metadata; `field_path` names a part of
        it, such as "spec.containers{web}"."""
        event = self._make(about, type, reason, message, field_path)
        logger.debug("Event", extra={"about": event["involvedObject"].get("name"), "reason": reason, "text": message})
        key = self._correlator.correlate(event, asyncio.get_running_loop().time())
        if key is None:
            return
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.add(event)
        elif len(self._waiting) >= _MOST_WAITING:
            self._drop(reason)
        else:
            self._waiting[key] = _Waiting(event)
            if key not in self._working:
                self._queue.put_nowait(key)

    async def run(self) -> None:
        """Write until cancelled; on cancellation what waits is still tried within two seconds."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(_WRITERS):
                    group.create_task(self._write(), name=f"events-{self._component}-{number}")
        except asyncio.CancelledError:
            try:
                async with asyncio.timeout(_FLUSH_SECONDS):
                    for waiting_key in list(self._waiting):
                        await self._record(waiting_key)
            except TimeoutError:
                logger.info("Events were left unwritten", extra={"count": len(self._waiting)})
            raise

    async def _write(self) -> None:
        while True:
            key = await self._queue.get()
            self._working.add(key)
            try:
                await self._record(key)
            finally:
                self._working.discard(key)
            if key in self._waiting:  # it happened again meanwhile
                self._queue.put_nowait(key)

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        if self._dropped & (self._dropped - 1) == 0:  # 1, 2, 4, 8, ...
            extra = {"reason": reason, "so_far": self._dropped}
            logger.warning("Dropped an event: too many are waiting to be written", extra=extra)

    def _make(self, about: Object, type: str, reason: str, message: str, field_path: str) -> Object:
        metadata = about.get("metadata") or {}
        namespace = metadata.get("namespace") or ""
        involved = {
            "kind": about.get("kind"), "namespace": namespace, "name": metadata.get("name"), "uid": metadata.get("uid"),
            "apiVersion": about.get("apiVersion"), "resourceVersion": metadata.get("resourceVersion"),
            "fieldPath": field_path,
        }  # fmt: skip
        now = format_time(datetime.now(UTC))
        source = {"component": self._component} | ({"host": self._host} if self._host else {})
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata.get('name')}.{time.time_ns():x}", "namespace": namespace or "default"},
            "involvedObject": {key: value for key, value in involved.items() if value},
            "reason": reason,
            "message": _shortened(message),
            "source": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": type,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    async def _record(self, key: Key) -> None:
        """Write what waits under the key; where that fails for good, it is given up."""
        event = self._waiting.pop(key).event
        try:
            await self._send(key, event)
        except asyncio.CancelledError:
            # Whether the server has it is not known: the flush tries again, under the same name.
            if (again := self._waiting.setdefault(key, _Waiting(event))).event is not event:
                again.event["count"] += event["count"]
            raise

    async def _send(self, key: Key, event: Object) -> None:
        written = self._correlator.written(key)
        for _ in range(_TRIES):
            try:
                if written is not None:
                    written = await self._count_up(event, written)
                if written is None:
                    written = await self._create(event)
            except (ServiceUnavailable, TooManyRequests):
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except ApiError as error:
                # Such as a namespace that is being deleted: no later try would fare better.
                logger.info("The server refused an event", extra={"reason": event["reason"], "error": error.message})
                return
            self._correlator.remember(key, written)
            return
        logger.warning("Gave up on an event: the server does not answer", extra={"reason": event["reason"]})

    async def _create(self, event: Object) -> Written:
        metadata = event["metadata"]
        try:
            await self._client.create(CORE_EVENTS, event)
        except AlreadyExists:
            # A try before this one got through, though its answer did not.
            logger.debug("Event exists already", extra={"event": metadata["name"]})
        return Written(metadata["name"], metadata["namespace"], event["count"])

    async def _count_up(self, event: Object, written: Written) -> Written | None:
        """Raise the count of the one that was written before; None where the server has it no longer."""
        body = {
            "count": written.count + event["count"],
            "lastTimestamp": event["lastTimestamp"],
            "message": event["message"],
        }
        try:
            await self._client.patch(CORE_EVENTS, written.namespace, written.name, body, patch_type="strategic")
        except NotFound:
            return None
        return Written(written.name, written.namespace, written.count + event["count"])


def _shortened(message: str) -> str:
    """What the server takes at most of a message, cut between characters."""
    data = message.encode()
    if len(data) <= _MAX_MESSAGE_BYTES:
        return message
    return data[: _MAX_MESSAGE_BYTES - 3].decode(errors="ignore") + "..."
