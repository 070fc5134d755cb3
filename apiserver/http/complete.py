"""An answer whose body is known before its first byte is sent: head and body leave in one write.

aiohttp's own `web.Response` says the same by way of a multidict, a writer with a state of its own and several
coroutines, which cost more than most requests themselves. What is sent is alike, byte for byte."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE, HttpVersion10, HttpVersion11

#: Control characters but for the tab: who could put them into a header could write headers of their own.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FIRST_WITH_BODY = 200  #: status codes below are interim answers
_NO_BODY = frozenset({204, 304})
_FIRST_REFUSAL = 300  #: of a CONNECT: one that succeeds begins a tunnel


class CompleteResponse(web.StreamResponse):
    """A status, header fields and a body. Content-Length, Date, Server and Connection are added when it is sent; the
    multidict that the base class has for headers is not looked at."""

    def __init__(self, status: int, fields: Iterable[tuple[str, str]], body: bytes) -> None:
        super().__init__(status=status)
        self._fields = fields
        self._body_bytes = body
        self._message = b""
        self._request: web.BaseRequest | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Make the bytes that `write_eof` sends; raises ValueError for a header that is none."""
        if self._keep_alive is None:  # aiohttp's own: it closes the connection unless this is true, see `force_close`
            self._keep_alive = request.keep_alive
        shows_body = _shows_body(request.method, self.status)
        head = self._head(request, f"Content-Length: {len(self._body_bytes)}" if shows_body else "")
        self._message = head + self._body_bytes if shows_body and request.method != "HEAD" else head
        self._request = request
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send it, and wait while the client does not read; raises ConnectionError where it has left."""
        if data:
            raise RuntimeError("the body was complete already")
        request, self._request = self._request, None
        if request is None:
            return
        transport, writer = request.transport, request.writer
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        writer.output_size += len(self._message)  # by this aiohttp knows that it cannot answer with an error any more
        transport.write(self._message)
        await writer.drain()

    def _head(self, request: web.BaseRequest, length: str) -> bytes:
        version = request.version
        lines = [f"HTTP/{version.major}.{version.minor} {self.status} {self.reason}", *map(": ".join, self._fields)]
        if length:
            lines.append(length)
        lines += _date_and_server(int(time.time()))
        if self._keep_alive:
            if version == HttpVersion10:
                lines.append("Connection: keep-alive")
        elif version == HttpVersion11:
            lines.append("Connection: close")
        if not "".join(lines).isprintable() and any(map(_FORBIDDEN.search, lines)):
            raise ValueError("a header has control characters")
        lines.append("\r\n")
        return "\r\n".join(lines).encode("utf-8", "ignore")  # what is ignored are lone surrogates


def _shows_body(method: str, status: int) -> bool:
    """Whether such an answer has a body, or says how long it would be for a GET. Pure."""
    if status in _NO_BODY or status < _FIRST_WITH_BODY:
        return False
    return method != "CONNECT" or status >= _FIRST_REFUSAL


@lru_cache(maxsize=1)
def _date_and_server(second: int) -> tuple[str, str]:
    """The same lines for all answers of a second (since 1970)."""
    return f"Date: {formatdate(second, usegmt=True)}", f"Server: {SERVER_SOFTWARE}"
