"""One watch on etcd that survives what may happen to its stream: it resumes after the last revision it has given out.

etcd never splits a revision over two answers, except into fragments, which are put together here. Progress is
never asked for, as etcd 3.4 may answer before events that precede it; what it tells of itself is in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from apiserver.storage.etcd3 import rpc_pb2 as rpc
from apiserver.storage.etcd3.connection import Connection, translate
from apiserver.storage.etcd3.grpcmetrics import Calls
from apiserver.storage.interface import Compacted, Revision, StorageEvent, Unavailable, WatchBatch
from component.grpc import GrpcError, Stream

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.05
_MAX_PAUSE_SECONDS = 1.0
_WATCH = "/etcdserverpb.Watch/Watch"


async def watch(connection: Connection, start: bytes, end: bytes, after: Revision) -> AsyncIterator[WatchBatch]:
    """Batches of the keys in [start, end) with revision > `after`; raises `Compacted`, `Unavailable` when closed."""
    seen = after
    pause = _FIRST_PAUSE_SECONDS
    while True:
        problem = "the stream ended"
        try:
            endpoint, stream, counts = await connection.open_stream(_WATCH, _request(start, end, seen))
        except GrpcError as error:
            problem = str(translate(error))
        else:
            try:
                async for batch in _follow(stream, counts, seen):
                    seen = batch.revision
                    pause = _FIRST_PAUSE_SECONDS
                    yield batch
            except GrpcError as error:
                failure = translate(error)
                if isinstance(failure, Compacted):
                    raise failure from error
                problem = str(failure)
            finally:
                stream.cancel()
            connection.move_on(endpoint)
        if connection.closed:
            raise Unavailable("the connection to etcd is closed")
        logger.info("Watching etcd anew", extra={"after": seen, "why": problem})
        await asyncio.sleep(pause)
        pause = min(_MAX_PAUSE_SECONDS, pause * 2)


def _request(start: bytes, end: bytes, after: Revision) -> bytes:
    create = rpc.WatchCreateRequest(
        key=start, range_end=end, start_revision=after + 1, progress_notify=True, fragment=True
    )
    return rpc.WatchRequest(create_request=create).SerializeToString()


async def _follow(stream: Stream, counts: Calls, after: Revision) -> AsyncIterator[WatchBatch]:
    """Batches until the stream ends; raises `Compacted`, GrpcError."""
    events: list[StorageEvent] = []
    while (message := await _read(stream, counts)) is not None:
        answer = rpc.WatchResponse.FromString(message)
        if answer.canceled:
            if answer.compact_revision:
                raise Compacted(f"revision {after} is compacted, oldest kept: {answer.compact_revision}")
            return
        if answer.created:
            continue
        events.extend(map(_event, answer.events))
        if answer.fragment:
            continue
        if events:
            yield WatchBatch(events, events[-1].revision)
            events = []
        elif answer.header.revision > after:
            yield WatchBatch((), answer.header.revision)


async def _read(stream: Stream, counts: Calls) -> bytes | None:
    try:
        message = await stream.read()
    except GrpcError as error:
        counts.failed(error.code)
        raise
    if message is not None:
        counts.received.inc()
    return message


def _event(event: Any) -> StorageEvent:
    kv = event.kv
    if event.type == rpc.Event.DELETE:
        return StorageEvent("delete", kv.key.decode(), b"", kv.mod_revision)
    return StorageEvent("put", kv.key.decode(), kv.value, kv.mod_revision)
