"""An upgraded connection (SPDY or WebSocket) passed on to another server, byte by byte, in both directions.

The API server does not look inside: exec, attach and port-forward are between the client and the kubelet."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from apimachinery import errors
from apimachinery.errors import ApiError
from apiserver.http.call import Call
from apiserver.http.special.passedon import passed_on

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 30.0
_CHUNK_BYTES = 64 << 10
_BUFFER_BYTES = 256 << 10
_MAX_HEAD_BYTES = 64 << 10
_MAX_REFUSAL_BYTES = 64 << 10
#: What ends a header's line, or is no text.
_NO_VALUE = re.compile("[\r\n\0]")


class _ClientSide(asyncio.Protocol):
    """Takes over the client's connection: what comes in is written to the other side."""

    def __init__(
        self, transport: asyncio.Transport, handler: asyncio.BaseProtocol, other: asyncio.StreamWriter
    ) -> None:
        self._transport = transport
        self._handler = handler  # aiohttp's, which must learn of the connection's end
        self._other = other
        self._draining: asyncio.Task[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """From the client to the other side; a slow other side stops the reading."""
        self._other.write(data)
        if self._other.transport.get_write_buffer_size() > _BUFFER_BYTES and self._draining is None:
            self._transport.pause_reading()
            self._draining = asyncio.create_task(self._drain(), name="tunnel-drain")

    async def _drain(self) -> None:
        try:
            await self._other.drain()
        except ConnectionError:
            self._transport.abort()
        else:
            self._transport.resume_reading()
        finally:
            self._draining = None

    def eof_received(self) -> bool:
        """The client says no more, but may still listen. Over TLS it cannot, and the event loop would log a warning."""
        if self._other.can_write_eof():
            self._other.write_eof()
        return self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left."""
        self.writable.set()
        self.lost.set()
        self._other.close()
        self._handler.connection_lost(exc)


def is_upgrade(request: web.BaseRequest) -> bool:
    """Whether the client asks for another protocol on this connection."""
    return "upgrade" in request.headers.get("Connection", "").lower()


async def upgrade(
    call: Call,
    url: URL,
    context: ssl.SSLContext | None,
    *,
    headers: CIMultiDict[str] | None = None,
    server_hostname: str | None = None,
) -> web.StreamResponse:
    """Pass the request on to `url`, and then everything in both directions; raises ApiError where it is refused.

    `headers`: in place of those of the client that may go on; `server_hostname`: what the certificate is for, where
    not the URL's host."""
    transport = call.request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    if headers is None:
        headers = passed_on(call.request.headers.items(), upgrade=True)
    asked = request_head(call.request.method, url, headers)
    reader, writer = await _connect(url, context, server_hostname)
    try:
        writer.write(asked)
        head = await _answer(reader, url)
        if call.trail is not None:
            await call.trail.started(101)
        await _join(call, transport, head, reader, writer)
    finally:
        writer.close()
    raise asyncio.CancelledError  # the connection is used up: there is no answer left to write


async def _connect(
    url: URL, context: ssl.SSLContext | None, name: str | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            if url.scheme != "https":
                return await asyncio.open_connection(url.host, url.port, limit=_MAX_HEAD_BYTES)
            return await asyncio.open_connection(
                url.host, url.port, limit=_MAX_HEAD_BYTES, ssl=context, server_hostname=name
            )
    except (OSError, TimeoutError, ssl.SSLError) as error:
        raise errors.InternalError(f"error dialing backend: {error or type(error).__name__}") from error


def request_head(method: str, url: URL, headers: CIMultiDict[str]) -> bytes:
    """The request as it goes to the other side; raises InternalError where a header would be more than one. Pure.

    Compressed answers are not asked for: the text of a refusal is read here."""
    lines = [f"{method} {url.raw_path_qs} HTTP/1.1", f"Host: {url.authority}"]
    for name, value in headers.items():
        if _NO_VALUE.search(value):
            raise errors.InternalError(f'net/http: invalid header field value for "{name}"')
        if name.lower() != "accept-encoding":
            lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


async def _answer(reader: asyncio.StreamReader, url: URL) -> bytes:
    """The head of a 101 answer; any other becomes an error with the other side's words."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            status, headers = parse_head(head)
            if status == 101:
                return head
            size = min(int(headers.get("content-length", "0")), _MAX_REFUSAL_BYTES)
            text = (await reader.readexactly(size)).decode("utf-8", "replace").strip()
    except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
        raise errors.InternalError(f"error dialing backend: no answer from {url.authority}: {error}") from error
    raise refusal(status, text)


def parse_head(head: bytes) -> tuple[int, Mapping[str, str]]:
    """Status and headers (lower case) of an answer; raises ValueError. Pure."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) < 2 or not parts[0].startswith("HTTP/"):
        raise ValueError(f"no HTTP answer: {first!r}")
    headers = {}
    for line in lines:
        name, mark, value = line.partition(":")
        if mark:
            headers[name.strip().lower()] = value.strip()
    return int(parts[1]), headers


def refusal(status: int, text: str) -> ApiError:
    """What the client is told when the other side says no. Pure."""
    known = {400: errors.BadRequest, 403: errors.Forbidden, 404: errors.NotFound}
    return known.get(status, errors.InternalError)(text or f"the other side answered {status}")


async def _join(
    call: Call, transport: asyncio.Transport, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    handler = call.request.protocol
    client = _ClientSide(transport, handler, writer)
    transport.set_protocol(client)
    transport.write(head)
    try:
        while data := await reader.read(_CHUNK_BYTES):
            await client.writable.wait()
            if client.lost.is_set():
                return
            transport.write(data)
    except ConnectionError:
        transport.abort()
    finally:
        if not client.lost.is_set():
            transport.set_protocol(handler)
            transport.close()
