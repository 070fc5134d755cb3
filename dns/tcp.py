"""Questions by TCP (RFC 7766): many on one connection, answered as soon as each answer is there."""

from __future__ import annotations

import asyncio
import logging
import time

from dns import metrics
from dns.clients import ClientFilter
from dns.responder import Responder
from dns.wire.query import BadQuery, NotAQuery, Query, parse_query
from dns.wire.response import empty_response
from dns.zone.records import SERVFAIL

logger = logging.getLogger(__name__)

_LIMIT_BYTES = 65535
_IDLE_SECONDS = 10.0
_WRITE_SECONDS = 5.0
_MAX_CONNECTIONS = 1000
_MAX_WAITING = 100  #: questions of one connection at a time


class TcpServer:
    """Answers connections; more than there may be at a time are closed at once."""

    def __init__(self, responder: Responder, clients: ClientFilter, *, server: str) -> None:
        self._responder = responder
        self._clients = clients
        self._server = server
        self._family = "1"
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def listen(self, address: str, port: int) -> None:
        """Serve address:port; raises OSError."""
        self._family = "2" if ":" in address else "1"
        self._listener = await asyncio.start_server(self._accepted, address, port, backlog=1024)

    async def close(self) -> None:
        """Stop listening, and cut the connections."""
        if self._listener is not None:
            self._listener.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        stranger = peer is None or not self._clients.allows(peer[0])
        if stranger:
            metrics.STRANGERS.labels("tcp").inc()
        if stranger or len(self._connections) >= _MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="dns-tcp-connection")
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = asyncio.Semaphore(_MAX_WAITING)
        try:
            async with asyncio.TaskGroup() as group:
                while (data := await _next_message(reader)) is not None:
                    await room.acquire()
                    task = group.create_task(self._answer(data, writer), name="dns-tcp-answer")
                    task.add_done_callback(lambda _: room.release())
        except* (OSError, TimeoutError) as errors:
            logger.debug("A connection broke", extra={"error": str(errors.exceptions[0])})
        finally:
            writer.close()

    async def _answer(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        started = time.monotonic()
        try:
            query = parse_query(data)
        except NotAQuery as error:
            raise ConnectionAbortedError(str(error)) from error
        except BadQuery as bad:
            await _send(writer, bad.response)
            metrics.served(self._server, "dropped", "tcp", self._family, 0, len(data), bad.response, 0.0)
            return
        answer = await self._message(query)
        await _send(writer, answer)
        zone, seconds = self._responder.zone_of(query), time.monotonic() - started
        metrics.served(self._server, zone, "tcp", self._family, query.qtype, len(data), answer, seconds)

    async def _message(self, query: Query) -> bytes:
        try:
            answer = self._responder.answer_now(query, _LIMIT_BYTES)
            return answer if answer is not None else await self._responder.answer_later(query, _LIMIT_BYTES)
        except Exception:
            # One question that trips over a fault of ours must not cost the connection its other answers.
            logger.exception("A question could not be answered", extra={"question": query.labels})
            return empty_response(query, SERVFAIL)


async def _next_message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None where the client has closed or is silent."""
    try:
        async with asyncio.timeout(_IDLE_SECONDS):
            length = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(length)
    except (TimeoutError, EOFError):
        return None


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    """Write one message; raises TimeoutError for a client that does not read."""
    writer.write(len(message).to_bytes(2, "big") + message)
    async with asyncio.timeout(_WRITE_SECONDS):
        await writer.drain()
