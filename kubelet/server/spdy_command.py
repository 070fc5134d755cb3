"""exec and attach over SPDY: the connection taken over, a stream each for stdin, stdout, stderr, errors, sizes.

`spdy.py` has the frames; `remote_command.py` does the same over WebSocket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from kubelet.runtime.interface import RuntimeFailure
from kubelet.runtime.sessions import Session
from kubelet.server.remote_command import exit_status, failure, terminal_size
from kubelet.server.spdy import Data, Event, GoAway, Ping, SpdyConnection, SpdyError, StreamOpened

logger = logging.getLogger(__name__)

#: The versions of the stream protocol that are spoken, the best first.
PROTOCOLS = ("v4.channel.k8s.io",)
_OPEN_SECONDS = 30.0
_LEAVE_SECONDS = 2.0
_CHUNK_BYTES = 32 << 10
_BUFFER_BYTES = 256 << 10


def chosen_protocol(request: web.Request) -> str | None:
    """The stream protocol that both sides speak."""
    offered = request.headers.getall("X-Stream-Protocol-Version", [])
    names = {name.strip() for text in offered for name in text.split(",")}
    return next((protocol for protocol in PROTOCOLS if protocol in names), None)


class Client:
    """The client's end of the connection, taken over from the HTTP server."""

    def __init__(self, request: web.Request) -> None:
        if request.transport is None:
            raise ConnectionResetError("the client has left")
        self._transport = request.transport
        self._handler = request.protocol
        self._reader = asyncio.StreamReader(limit=_BUFFER_BYTES)
        protocol = asyncio.StreamReaderProtocol(self._reader)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        self._writer = asyncio.StreamWriter(self._transport, protocol, self._reader, asyncio.get_running_loop())
        self.connection = SpdyConnection()

    def accept(self, protocol: str) -> None:
        """Answer the upgrade."""
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            b"X-Stream-Protocol-Version: " + protocol.encode() + b"\r\n\r\n"
        )

    async def events(self) -> list[Event]:
        """What came in next; empty when the client has left. Pings are answered. Raises SpdyError."""
        while data := await self._reader.read(_CHUNK_BYTES):
            found = list(self.connection.feed(data))
            for event in found:
                if isinstance(event, Ping):
                    self._transport.write(self.connection.ping(event.number))
            found = [event for event in found if not isinstance(event, Ping)]
            if found:
                return found
        return []

    async def send(self, frames: bytes) -> None:
        """Send, and wait while the client reads too slowly."""
        self._writer.write(frames)
        await self._writer.drain()

    async def leave(self) -> None:
        """Say so, let the client hang up first, and give the connection back closed."""
        if not self._transport.is_closing():
            self._transport.write(self.connection.goaway())
            try:
                async with asyncio.timeout(_LEAVE_SECONDS):
                    while await self._reader.read(_CHUNK_BYTES):
                        continue
            except (TimeoutError, OSError) as error:
                logger.debug("The client did not hang up", extra={"error": str(error)})
        self._transport.set_protocol(self._handler)
        self._transport.close()


async def serve(
    request: web.Request, open_session: Callable[[], Awaitable[Session]], wanted: dict[str, bool]
) -> web.StreamResponse:
    """Carry a command's streams; raises CancelledError at the end, as the connection is used up."""
    protocol = chosen_protocol(request)
    if protocol is None:
        raise web.HTTPForbidden(text=f"unable to upgrade: the stream protocols spoken are {', '.join(PROTOCOLS)}")
    client = Client(request)
    client.accept(protocol)
    try:
        await _serve(client, open_session, wanted)
    except (SpdyError, OSError, TimeoutError) as error:
        logger.info("A stream ended early", extra={"path": request.path, "error": str(error)})
    finally:
        await client.leave()
    raise asyncio.CancelledError


async def _serve(client: Client, open_session: Callable[[], Awaitable[Session]], wanted: dict[str, bool]) -> None:
    streams, early = await _open_streams(client, wanted)
    error_stream = streams["error"]
    try:
        session = await open_session()
    except RuntimeFailure as error:
        await _finish(client, streams, orjson.dumps(failure(str(error))))
        return
    names = {number: name for name, number in streams.items()}
    pump = asyncio.create_task(_to_client(client, session, streams), name="exec-output")
    feed = asyncio.create_task(_from_client(client, session, names, early), name="exec-input")
    try:
        await asyncio.wait({pump, feed}, return_when=asyncio.FIRST_COMPLETED)
        if not pump.done():
            await feed  # the client has left
            return
        await pump
        status = exit_status(await session.exit_code())
    except RuntimeFailure as error:
        status = failure(str(error))
    finally:
        session.close()
        for task in (pump, feed):
            task.cancel()
        await asyncio.gather(pump, feed, return_exceptions=True)
    logger.debug("A command ended", extra={"stream": error_stream})
    await _finish(client, streams, orjson.dumps(status))


async def _open_streams(client: Client, wanted: dict[str, bool]) -> tuple[dict[str, int], list[Event]]:
    """The numbers of all streams that the client must open, and what it sent on them already."""
    names = {"error"} | {name for name in ("stdin", "stdout") if wanted[name]}
    if wanted["tty"]:
        names.add("resize")
    elif wanted["stderr"]:
        names.add("stderr")
    streams: dict[str, int] = {}
    early: list[Event] = []
    async with asyncio.timeout(_OPEN_SECONDS):
        while names - set(streams):
            events = await client.events()
            if not events:
                raise SpdyError("the client left before it had opened its streams")
            for event in events:
                if isinstance(event, StreamOpened):
                    streams[event.headers.get("streamtype", "")] = event.stream
                    await client.send(client.connection.reply(event.stream))
                else:
                    early.append(event)
    return streams, early


async def _to_client(client: Client, session: Session, streams: dict[str, int]) -> None:
    async for stream, data in session.output():
        number = streams.get("stderr" if stream == 2 else "stdout")
        if number is not None:
            await client.send(client.connection.data(number, data))


async def _from_client(client: Client, session: Session, names: dict[int, str], early: list[Event]) -> None:
    """Ends when the client has left."""
    events = early
    while True:
        for event in events:
            if isinstance(event, GoAway):
                return
            if isinstance(event, Data):
                await _take(session, names.get(event.stream, ""), event)
        events = await client.events()
        if not events:
            return


async def _take(session: Session, name: str, event: Data) -> None:
    if name == "stdin":
        if event.data:
            await session.write(event.data)
        if event.ended:
            session.close_input()
    elif name == "resize" and event.data and (size := terminal_size(event.data)) is not None:
        await session.resize(*size)


async def _finish(client: Client, streams: dict[str, int], status: bytes) -> None:
    frames = client.connection.data(streams["error"], status, ended=True)
    for name in ("stdout", "stderr"):
        if name in streams:
            frames += client.connection.data(streams[name], b"", ended=True)
    await client.send(frames)
