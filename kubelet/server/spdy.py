"""SPDY/3.1 as far as Kubernetes' streams need it: frames in both directions, sans-IO.

Bytes in, events out; the other methods give bytes to send. kubectl up to 1.29 speaks it for exec and attach (1.30 and
later use WebSocket). There is no flow control: neither client-go nor the real kubelet does any here."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _HEADERS = 1, 2, 3, 4, 6, 7, 8
_VERSION = 3
_FIN = 0x01
_LONGEST_FRAME = 1 << 20
_LONGEST_HEADERS = 256 << 10

_WORDS = (
    "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow "
    "authorization cache-control connection content-base content-encoding content-language content-length "
    "content-location content-md5 content-range content-type date etag expect expires from host if-match "
    "if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
    "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade "
    "user-agent vary via warning www-authenticate method get status"
)
_TAIL = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden"
    "404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable"
    "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT"
    "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,"
    "publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _sized(text: str) -> bytes:
    return struct.pack(">I", len(text)) + text.encode()


def _dictionary() -> bytes:
    """The compression dictionary that the protocol prescribes."""
    words = [*_WORDS.split(" ")]
    body = b"".join(_sized(word) for word in words)
    # The protocol's own slip: "200 OK" stands behind the length of "status".
    body += struct.pack(">I", 6) + b"200 OK"
    for word in ("version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"):
        body += _sized(word)
    return body + _TAIL.encode()


DICTIONARY = _dictionary()


class SpdyError(Exception):
    """The other side does not keep to the protocol."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The client opened a stream; header names are in lower case."""

    stream: int
    headers: Mapping[str, str] = field(default_factory=dict)
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of a stream; `ended`: the client sends no more on it."""

    stream: int
    data: bytes
    ended: bool = False


@dataclass(frozen=True, slots=True)
class StreamReset:
    """The client gave the stream up."""

    stream: int


@dataclass(frozen=True, slots=True)
class Ping:
    """To be answered by `ping`."""

    number: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """The client opens no more streams."""


Event = StreamOpened | Data | StreamReset | Ping | GoAway


class SpdyConnection:
    """The server's side of one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        self._deflate = zlib.compressobj(zdict=DICTIONARY)
        self._last_stream = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events of all frames that are complete; raises SpdyError."""
        self._buffer += chunk
        while len(self._buffer) >= 8:
            first, second = struct.unpack_from(">II", self._buffer)
            flags, length = second >> 24, second & 0xFFFFFF
            if length > _LONGEST_FRAME:
                raise SpdyError(f"a frame of {length} bytes is too long")
            if len(self._buffer) < 8 + length:
                return
            payload = bytes(self._buffer[8 : 8 + length])
            del self._buffer[: 8 + length]
            if first & 0x80000000:
                event = self._control(first >> 16 & 0x7FFF, first & 0xFFFF, flags, payload)
                if event is not None:
                    yield event
            else:
                yield Data(first & 0x7FFFFFFF, payload, bool(flags & _FIN))

    def _control(self, version: int, kind: int, flags: int, payload: bytes) -> Event | None:
        if version != _VERSION:
            raise SpdyError(f"version {version} is not spoken")
        try:
            if kind == _SYN_STREAM:
                stream = struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF
                self._last_stream = max(self._last_stream, stream)
                return StreamOpened(stream, self._headers(payload[10:]), bool(flags & _FIN))
            if kind == _RST_STREAM:
                return StreamReset(struct.unpack_from(">I", payload)[0] & 0x7FFFFFFF)
            if kind == _PING:
                return Ping(struct.unpack_from(">I", payload)[0])
            if kind == _GOAWAY:
                return GoAway()
            if kind in (_HEADERS, _SYN_REPLY):
                self._headers(payload[4:])  # keeps the compression in step
        except (struct.error, zlib.error, IndexError) as error:
            raise SpdyError(f"a broken frame: {error}") from error
        return None

    def _headers(self, block: bytes) -> dict[str, str]:
        text = self._inflate.decompress(block, _LONGEST_HEADERS)
        if self._inflate.unconsumed_tail:
            raise SpdyError("headers are too long")
        count = struct.unpack_from(">I", text)[0]
        position, result = 4, {}
        for _ in range(count):
            name, position = _take(text, position)
            value, position = _take(text, position)
            result[name.lower()] = value
        return result

    def reply(self, stream: int) -> bytes:
        """Take a stream that the client opened."""
        block = self._deflate.compress(struct.pack(">I", 0)) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return _control_frame(_SYN_REPLY, 0, struct.pack(">I", stream) + block)

    def data(self, stream: int, data: bytes, ended: bool = False) -> bytes:
        """Bytes for the client; `ended`: there will be no more."""
        return struct.pack(">II", stream, (_FIN if ended else 0) << 24 | len(data)) + data

    def ping(self, number: int) -> bytes:
        """The answer to a ping."""
        return _control_frame(_PING, 0, struct.pack(">I", number))

    def goaway(self) -> bytes:
        """No more streams are taken."""
        return _control_frame(_GOAWAY, 0, struct.pack(">II", self._last_stream, 0))


def _take(text: bytes, position: int) -> tuple[str, int]:
    length = struct.unpack_from(">I", text, position)[0]
    end = position + 4 + length
    if end > len(text):
        raise SpdyError("headers end too early")
    return text[position + 4 : end].decode("utf-8", "replace"), end


def _control_frame(kind: int, flags: int, payload: bytes) -> bytes:
    return struct.pack(">HHI", 0x8000 | _VERSION, kind, flags << 24 | len(payload)) + payload
