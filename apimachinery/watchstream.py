"""Turn the bytes of a watch response into events, however they are cut into chunks.

Pure and sans-IO: `client` feeds what it reads from the socket. One event is one line of JSON of any length;
the server's side of the framing is in `apiserver.watchcache`."""

from __future__ import annotations

import orjson

from apimachinery.objects import Object


class WatchDecoder:
    """Collects chunks and gives back the events that they complete."""

    __slots__ = ("_partial",)

    def __init__(self) -> None:
        self._partial: list[bytes] = []

    def feed(self, chunk: bytes) -> list[tuple[str, Object]]:
        """The (type, object) of each event that ends in this chunk, in order.

        Raises ValueError on a line that is not a watch event; the stream is of no use after that."""
        if b"\n" not in chunk:
            if chunk:
                self._partial.append(chunk)
            return []
        first, *rest = chunk.split(b"\n")
        self._partial.append(first)
        lines = [b"".join(self._partial), *rest]
        last = lines.pop()
        self._partial = [last] if last else []
        return [_event(line) for line in lines if line and not line.isspace()]

    @property
    def pending(self) -> int:
        """Bytes of an event whose end has not arrived; not 0 at the end of a stream that was cut off."""
        return sum(map(len, self._partial))


def _event(line: bytes) -> tuple[str, Object]:
    document = orjson.loads(line)
    if not isinstance(document, dict):
        raise ValueError("a watch event must be a JSON object")
    kind, obj = document.get("type"), document.get("object")
    if not isinstance(kind, str) or not isinstance(obj, dict):
        raise ValueError("a watch event must have a type and an object")
    return kind, obj
