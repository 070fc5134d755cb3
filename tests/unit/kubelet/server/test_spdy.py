"""SPDY frames, however they are cut."""

from __future__ import annotations

import struct
import zlib

import pytest

from kubelet.server.spdy import DICTIONARY, Data, GoAway, Ping, SpdyConnection, SpdyError, StreamOpened, StreamReset


def control(kind: int, payload: bytes, flags: int = 0, version: int = 3) -> bytes:
    return struct.pack(">HHI", 0x8000 | version, kind, flags << 24 | len(payload)) + payload


class Peer:
    """A client's side: only what is sent to the server."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    def open(self, stream: int, **headers: str) -> bytes:
        text = struct.pack(">I", len(headers))
        for pair in headers.items():
            for part in pair:
                text += struct.pack(">I", len(part)) + part.encode()
        block = self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return control(1, struct.pack(">IIBB", stream, 0, 0, 0) + block)


def data(stream: int, payload: bytes, ended: bool = False) -> bytes:
    return struct.pack(">II", stream, (1 << 24 if ended else 0) | len(payload)) + payload


def test_the_dictionary_is_that_of_the_protocol() -> None:
    # RFC 1950's check of a dictionary, as it stands in each SPDY/3 connection's first compressed block.
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_frames_in_any_pieces(size: int) -> None:
    peer = Peer()
    wire = (
        peer.open(1, streamType="error") + peer.open(3, streamType="stdin") + data(3, b"x" * 5000) + data(3, b"", True)
    )
    wire += control(6, struct.pack(">I", 9)) + control(3, struct.pack(">II", 3, 5)) + control(4, bytes(4))
    wire += control(7, bytes(8))
    connection = SpdyConnection()
    events = [event for at in range(0, len(wire), size) for event in connection.feed(wire[at : at + size])]
    assert events == [
        StreamOpened(1, {"streamtype": "error"}), StreamOpened(3, {"streamtype": "stdin"}), Data(3, b"x" * 5000),
        Data(3, b"", ended=True), Ping(9), StreamReset(3), GoAway(),
    ]  # fmt: skip


def test_what_is_sent() -> None:
    connection = SpdyConnection()
    assert connection.data(5, b"ab", ended=True) == b"\x00\x00\x00\x05\x01\x00\x00\x02ab"
    assert connection.ping(7) == control(6, b"\x00\x00\x00\x07")
    inflate = zlib.decompressobj(zdict=DICTIONARY)
    for stream in (1, 3):  # the compression goes on from one reply to the next
        reply = connection.reply(stream)
        assert struct.unpack_from(">HHII", reply)[1::2] == (2, stream)
        assert inflate.decompress(reply[12:]) == bytes(4)


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (control(1, bytes(10), version=2), "version 2"),
        (control(1, bytes(12)), "broken frame"),
        (struct.pack(">II", 1, 0xFFFFFF), "too long"),
        (control(6, b""), "broken frame"),
    ],
)
def test_nonsense(wire: bytes, why: str) -> None:
    with pytest.raises(SpdyError, match=why):
        list(SpdyConnection().feed(wire))
