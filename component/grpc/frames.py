"""The frames of HTTP/2 (RFC 9113, sections 4 and 6) between bytes and values. Pure."""

from __future__ import annotations

from struct import Struct

from component.grpc.errors import FRAME_SIZE_ERROR, PROTOCOL_ERROR, ProtocolError

#: Types. PRIORITY (0x2) and unknown ones are ignored.
DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
#: Flags.
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
#: Settings.
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 2, 3, 4, 5

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEFAULT_WINDOW = 65535
LARGEST_WINDOW = (1 << 31) - 1
SMALLEST_MAX_FRAME = 1 << 14
LARGEST_MAX_FRAME = (1 << 24) - 1

Frame = tuple[int, int, int, bytes]  #: type, flags, stream, payload

_HEAD = Struct(">BHBBL")  # the length's upper byte and lower two, type, flags, stream
_SETTING = Struct(">HL")
_NUMBER = Struct(">L")
_STREAM_MASK = 0x7FFFFFFF


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    size = len(payload)
    return _HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(_SETTING.pack(*item) for item in values.items()))


def window_update(stream: int, increment: int) -> bytes:
    """A WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(increment))


def rst_stream(stream: int, code: int) -> bytes:
    """A RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, _NUMBER.pack(code))


def goaway(code: int) -> bytes:
    """A client's GOAWAY: no stream of the server's was taken."""
    return frame(GOAWAY, 0, 0, _NUMBER.pack(0) + _NUMBER.pack(code))


def read_number(payload: bytes) -> int:
    """The 32 bits that begin the payload of RST_STREAM, WINDOW_UPDATE and GOAWAY; raises ProtocolError."""
    if len(payload) < _NUMBER.size:
        raise ProtocolError(FRAME_SIZE_ERROR, "a frame is too short for its type")
    number: int = _NUMBER.unpack_from(payload)[0]
    return number


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """The pairs of a SETTINGS frame, in their order; raises ProtocolError."""
    if len(payload) % _SETTING.size:
        raise ProtocolError(FRAME_SIZE_ERROR, "a SETTINGS frame of a wrong length")
    return list(_SETTING.iter_unpack(payload))


def unpadded(flags: int, payload: bytes, *, priority: bool = False) -> bytes:
    """The payload of DATA or HEADERS without padding, and without the priority that HEADERS may have."""
    skipped, padding = 0, 0
    if flags & PADDED:
        skipped, padding = 1, payload[0] if payload else 0
    if priority and flags & PRIORITY:
        skipped += 5
    if skipped + padding > len(payload):
        raise ProtocolError(PROTOCOL_ERROR, "a frame's padding is longer than the frame")
    return payload[skipped : len(payload) - padding]


class FrameReader:
    """Takes bytes as they arrive, gives frames as they are complete."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now; raises ProtocolError for one that is longer than was allowed."""
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= _HEAD.size:
            upper, lower, kind, flags, stream = _HEAD.unpack_from(data, at)
            size = upper << 16 | lower
            if size > SMALLEST_MAX_FRAME:
                raise ProtocolError(FRAME_SIZE_ERROR, f"a frame of {size} bytes")
            begin = at + _HEAD.size
            if end - begin < size:
                break
            at = begin + size
            frames.append((kind, flags, stream & _STREAM_MASK, data[begin:at]))
        self._rest = data[at:]
        return frames
