"""Docker's stream formats, sans-IO: the multiplexed output of containers and lines of JSON.

Bytes in, payloads out; how the bytes were cut into chunks is irrelevant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

_HEADER = 8
_LONGEST_LINE = 4 << 20


class Demultiplexer:
    """The frames of a container without a terminal: a byte of stream number, three of nothing, a length, a payload."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The complete (stream, payload) pairs: stream 1 is stdout, 2 stderr."""
        self._buffer += chunk
        position = 0
        while len(self._buffer) - position >= _HEADER:
            stream = self._buffer[position]
            length = int.from_bytes(self._buffer[position + 4 : position + _HEADER], "big")
            end = position + _HEADER + length
            if len(self._buffer) < end:
                break
            yield stream, bytes(self._buffer[position + _HEADER : end])
            position = end
        del self._buffer[:position]


class JsonLines:
    """Objects separated by line ends, or by nothing, as Docker writes events and pull progress."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """The complete objects; raises ValueError for a line that is none."""
        self._buffer += chunk
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).strip()
            del self._buffer[: end + 1]
            if line:
                yield orjson.loads(line)
        if len(self._buffer) > _LONGEST_LINE:
            raise ValueError("a line of Docker's stream is too long")
