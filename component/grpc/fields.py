"""Header fields, compressed (RFC 7541): the `hpack` package, and a memory of blocks that it has seen.

The calls of one client say nearly the same each time. A block of one-byte references changes no table, so it means the
same until a block comes that does: most blocks of a connection are a look-up in a dict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from hpack import Decoder, Encoder, HPACKError

from component.grpc.errors import COMPRESSION_ERROR, ProtocolError

Fields = Mapping[str, str]  #: by name in lower case; of a name that comes twice the last value

_REFERENCES = re.compile(rb"[\x80-\xfe]*", re.DOTALL)  # RFC 7541, section 6.1, of indexes that fit into one byte
_KEPT = 256

Key = TypeVar("Key")
Value = TypeVar("Value")


class FieldReader:
    """What the other side says."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._known: dict[bytes, Fields] = {}

    def read(self, block: bytes) -> Fields:
        """The fields of a block; raises ProtocolError."""
        found = self._known.get(block)
        if found is not None:
            return found
        try:
            fields = {str(name): str(value) for name, value in self._decoder.decode(block)}
        except HPACKError as error:
            raise ProtocolError(COMPRESSION_ERROR, f"header fields cannot be read: {error}") from error
        _remember(self._known, block, block, fields)
        return fields


class FieldWriter:
    """What we say."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._known: dict[tuple[tuple[str, str], ...], bytes] = {}

    def write(self, fields: tuple[tuple[str, str], ...]) -> bytes:
        """The block of fields that are worth a place in the table, as they will be said again."""
        block = self._known.get(fields)
        if block is None:
            block = self._encoder.encode(fields, huffman=False)
            _remember(self._known, fields, block, block)
        return block

    def resize(self, size: int) -> None:
        """The other side keeps a table of so many bytes (SETTINGS_HEADER_TABLE_SIZE)."""
        self._encoder.header_table_size = min(size, 4096)
        self._known.clear()


def _remember(known: dict[Key, Value], key: Key, block: bytes, value: Value) -> None:
    if not _REFERENCES.fullmatch(block):
        known.clear()  # the table may have changed, and with it what is referred to
    elif len(known) < _KEPT:
        known[key] = value


def once(name: bytes, value: bytes) -> bytes:
    """A short field that is not worth a place: a literal without indexing (RFC 7541, section 6.2.2)."""
    return b"\0" + bytes((len(name),)) + name + bytes((len(value),)) + value
