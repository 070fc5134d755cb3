"""A small HTTP/1.1 client that costs the machine little, so that what is measured is the server.

One request at a time per connection. Bodies are counted, and kept only where asked for; a stream hands them out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Target:
    """The server and who we are."""

    server: str
    token: str = ""
    tls: ssl.SSLContext | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        url = urlsplit(self.server)
        return url.hostname or "127.0.0.1", url.port or (443 if url.scheme == "https" else 80)

    async def connect(self) -> Connection:
        """A new connection; raises OSError."""
        host, port = self.address
        loop = asyncio.get_running_loop()
        tls = self.tls if self.server.startswith("https") else None
        _, connection = await loop.create_connection(lambda: Connection(self), host, port, ssl=tls)
        return connection


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `body` is b"" where it was not to be kept."""

    status: int
    size: int
    body: bytes


class Connection(asyncio.Protocol):
    """Keeps alive; `request` for one answer, `stream` for an answer that does not end."""

    def __init__(self, target: Target) -> None:
        host, port = target.address
        authorization = f"Authorization: Bearer {target.token}\r\n" if target.token else ""
        self._headers = f"Host: {host}:{port}\r\n{authorization}Accept: application/json\r\n"
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._keep = False
        self._reset()

    def _reset(self) -> None:
        self._head = b""
        self._status = 0
        self._left = -1  # of the body, or of the chunk
        self._chunked = False
        self._size = 0
        self._parts: list[bytes] = []
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def request(
        self, method: str, path: str, body: bytes = b"", *, keep: bool = False, media_type: str = "application/json"
    ) -> Answer:
        """Send one request and read the answer; raises OSError where the connection breaks."""
        self._keep = keep
        return await self._send(method, path, body, media_type)

    async def stream(self, path: str, on_data: Callable[[bytes], None]) -> Answer:
        """GET; `on_data` gets the body as it comes. Returns when the answer ends."""
        self._on_data = on_data
        return await self._send("GET", path, b"", "application/json")

    async def _send(self, method: str, path: str, body: bytes, media_type: str) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("not connected")
        self._reset()
        content = f"Content-Type: {media_type}\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{content}\r\n".encode() + body)
        return await self._waiter

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if not self._status:
            data = self._take_head(data)
            if not self._status:
                return
        if self._chunked:
            self._take_chunks(data)
        else:
            self._take(data)
            self._left -= len(data)
            if self._left <= 0:
                self._finish()

    def _take_head(self, data: bytes) -> bytes:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return b""
        head, rest = self._head[:end].lower(), self._head[end + 4 :]
        self._status = int(head[9:12])
        self._chunked = b"transfer-encoding: chunked" in head
        at = head.find(b"content-length:")
        self._left = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
        return rest

    def _take_chunks(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while at < len(data):
            if self._left > 0:
                part = data[at : at + self._left]
                self._take(part)
                self._left -= len(part)
                at += len(part)
                continue
            end = data.find(b"\r\n", at + 2 if self._left == 0 else at)  # after a chunk comes its own line end
            if end < 0:
                break
            size = data[at:end].strip()
            at = end + 2
            self._left = int(size, 16)
            if self._left == 0:
                self._finish()
                return
        self._buffer = data[at:]

    def _take(self, part: bytes) -> None:
        self._size += len(part)
        if self._on_data is not None:
            self._on_data(part)
        elif self._keep or self._status >= 300:
            self._parts.append(part)

    def _finish(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(Answer(self._status, self._size, b"".join(self._parts)))
