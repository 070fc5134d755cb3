"""The event recorder: core/v1 Events, written in the background, repeated ones counted up (client-go tools/record).

Which are repetitions is decided in `client.eventcorrelation`."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

from api.resources import CORE_EVENTS
from apimachinery.errors import AlreadyExists, ApiError, NotFound, ServiceUnavailable, TooManyRequests
from apimachinery.objects import Object, format_time
from client.eventcorrelation import Correlator, Written
from client.rest import RestClient

logger = logging.getLogger(__name__)
_QUEUE_SIZE = 1000
_TRIES = 12
_RETRY_SECONDS = 5.0
_FLUSH_SECONDS = 2.0
_MAX_MESSAGE_BYTES = 1024


class EventRecorder:
    """Records Events about objects. `event` never waits and never fails; `run` writes from a bounded queue."""

    def __init__(self, client: RestClient, *, component: str, host: str = "") -> None:
        self._client = client
        self._component = component
        self._host = host
        self._queue: asyncio.Queue[Object] = asyncio.Queue(_QUEUE_SIZE)
        self._correlator = Correlator()

    def event(self, about: Object, type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """`type` is "Normal" or "Warning"; `about` needs apiVersion, kind and metadata; `field_path` names a part of
        it, such as "spec.containers{web}"."""
        event = self._make(about, type, reason, message, field_path)
        logger.debug("Event", extra={"about": event["involvedObject"].get("name"), "reason": reason, "text": message})
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            logger.warning("Dropped an event: too many are waiting to be written", extra={"reason": reason})

    async def run(self) -> None:
        """Write until cancelled; on cancellation what is queued is still tried within two seconds."""
        current: Object | None = None
        try:
            while True:
                current = await self._queue.get()
                await self._record(current)
                current = None
        except asyncio.CancelledError:
            try:
                async with asyncio.timeout(_FLUSH_SECONDS):
                    await self._flush(current)
            except TimeoutError:
                logger.info("Events were left unwritten", extra={"count": self._queue.qsize()})
            raise

    async def _flush(self, current: Object | None) -> None:
        if current is not None:
            await self._record(current)
        while not self._queue.empty():
            await self._record(self._queue.get_nowait())

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

    async def _record(self, event: Object) -> None:
        decided = self._correlator.correlate(event, asyncio.get_running_loop().time())
        if decided is None:
            return
        key, written = decided
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
            "count": written.count + 1,
            "lastTimestamp": event["lastTimestamp"],
            "message": event["message"],
        }
        try:
            await self._client.patch(CORE_EVENTS, written.namespace, written.name, body, patch_type="strategic")
        except NotFound:
            return None
        return Written(written.name, written.namespace, written.count + 1)


def _shortened(message: str) -> str:
    """What the server takes at most of a message, cut between characters."""
    data = message.encode()
    if len(data) <= _MAX_MESSAGE_BYTES:
        return message
    return data[: _MAX_MESSAGE_BYTES - 3].decode(errors="ignore") + "..."
