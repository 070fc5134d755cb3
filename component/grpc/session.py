"""The client's side of one HTTP/2 connection, without I/O (RFC 9113): bytes in, calls of receivers and bytes out.

Whoever drives it hands what arrives to `receive`, sends what `take_output` gives, and tells it by `lost` when the
connection is gone. Its answer to a broken rule is a ProtocolError, after which only `lost` makes sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from component.grpc import frames
from component.grpc.errors import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    NO_ERROR,
    PROTOCOL_ERROR,
    Code,
    GrpcError,
    ProtocolError,
    of_reset,
)
from component.grpc.fields import FieldReader, Fields, FieldWriter
from component.grpc.frames import FrameReader

#: What a stream may send before it is told that its bytes were taken, and the connection as a whole.
STREAM_WINDOW = 4 << 20
_CONNECTION_WINDOW = 64 << 20
_MAX_HEADERS_BYTES = 64 << 10


class Receiver(Protocol):
    """Who hears of one stream. Exactly one of an `ended` call and `failed` is the last."""

    def headers(self, fields: Fields, *, ended: bool) -> None:
        """Header fields have come; the last ones are the trailers."""

    def data(self, data: bytes, *, ended: bool) -> None:
        """A part of the body has come. What is taken of it is told by `Session.taken`."""

    def failed(self, error: GrpcError) -> None:
        """The stream has ended before its time."""


class _Open:
    """A stream that the other side has not ended."""

    __slots__ = ("ending", "owed", "receiver", "unsent", "window")

    def __init__(self, receiver: Receiver, window: int) -> None:
        self.receiver = receiver
        self.window = window  # what we may send
        self.unsent = bytearray()  # what waits for a window
        self.ending: bool | None = False  # the end is to be sent behind that; None: it was sent
        self.owed = 0  # bytes that were taken and not given back to the other side's window


class Session:
    """One connection. Its first output is what a client begins with."""

    def __init__(self) -> None:
        self._output = [
            frames.PREFACE,
            frames.settings({frames.ENABLE_PUSH: 0, frames.INITIAL_WINDOW_SIZE: STREAM_WINDOW}),
            frames.window_update(0, _CONNECTION_WINDOW - frames.DEFAULT_WINDOW),
        ]
        self._frames = FrameReader()
        self._said = FieldReader()
        self.fields = FieldWriter()
        self._streams: dict[int, _Open] = {}
        self._next = 1
        self._window = frames.DEFAULT_WINDOW
        self._first_window = frames.DEFAULT_WINDOW
        self._max_frame = frames.SMALLEST_MAX_FRAME
        self._max_streams = frames.LARGEST_WINDOW
        self._owed = 0
        self._block: tuple[int, int, bytearray] | None = None  # headers that are to be continued: stream, flags, so far
        self.settled = False  #: the server has told its settings, with which it must begin
        self.closing = False  #: no stream can be opened any more; those that are open go on
        self._handlers: dict[int, Callable[[int, int, bytes], None]] = {
            frames.DATA: self._on_data,
            frames.HEADERS: self._on_headers,
            frames.CONTINUATION: self._on_continuation,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push_promise,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window_update,
        }

    # What the client does

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    @property
    def full(self) -> bool:
        """Whether a new stream has to wait for the end of one (SETTINGS_MAX_CONCURRENT_STREAMS)."""
        return len(self._streams) >= self._max_streams

    def open(self, block: bytes, receiver: Receiver, data: bytes, *, end: bool) -> int:
        """Begin a stream with these header fields and the first part of its body (not empty); gives its number."""
        stream = self._next
        self._next += 2
        if self._next > frames.LARGEST_WINDOW:
            self.closing = True  # the numbers are used up
        found = self._streams[stream] = _Open(receiver, self._first_window)
        self._output.append(frames.frame(frames.HEADERS, frames.END_HEADERS, stream, block))
        self._send(stream, found, data, end=end)
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """More of a stream's body (not empty), and whether that is all. Nothing happens where the stream has ended."""
        found = self._streams.get(stream)
        if found is not None:
            self._send(stream, found, data, end=end)

    def taken(self, stream: int, size: int) -> None:
        """So many bytes of a stream's body are done with: as many more may come. Less than 0: those told of are not."""
        found = self._streams.get(stream)
        if found is None:
            return
        found.owed += size
        if found.owed >= STREAM_WINDOW // 2:
            self._output.append(frames.window_update(stream, found.owed))
            found.owed = 0

    def cancel(self, stream: int) -> None:
        """Be interested in a stream no more; its receiver hears nothing."""
        if self._streams.pop(stream, None) is not None:
            self._output.append(frames.rst_stream(stream, CANCEL))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._output.append(frames.frame(frames.PING, 0, 0, bytes(8)))

    def go_away(self, code: int = NO_ERROR) -> None:
        """Tell that the connection will be closed, and why."""
        self.closing = True
        self._output.append(frames.goaway(code))

    @property
    def has_output(self) -> bool:
        """Whether there is something to be sent."""
        return bool(self._output)

    def take_output(self) -> bytes:
        """What is to be sent now."""
        output = self._output
        if not output:
            return b""
        self._output = []
        return output[0] if len(output) == 1 else b"".join(output)

    def lost(self, why: str) -> None:
        """The connection is gone: all streams fail."""
        self.closing = True
        self._fail(0, why, sent=True)

    # What the other side does

    def receive(self, data: bytes) -> None:
        """Bytes have come; raises ProtocolError."""
        for kind, flags, stream, payload in self._frames.feed(data):
            if self._block is not None and (kind != frames.CONTINUATION or stream != self._block[0]):
                raise ProtocolError(PROTOCOL_ERROR, "header fields are not continued")
            if not self.settled and kind != frames.SETTINGS:
                raise ProtocolError(PROTOCOL_ERROR, "it does not begin with its settings")
            handler = self._handlers.get(kind)
            if handler is not None:
                handler(flags, stream, payload)

    def _on_data(self, flags: int, stream: int, payload: bytes) -> None:
        # Of the connection's window nothing is held back: a stream that nobody reads must not stop the others.
        self._owed += len(payload)
        if self._owed >= _CONNECTION_WINDOW // 2:
            self._output.append(frames.window_update(0, self._owed))
            self._owed = 0
        found = self._of_frame(stream, flags)
        if found is None:
            return
        ended = bool(flags & frames.END_STREAM)
        if not flags & frames.PADDED:
            found.receiver.data(payload, ended=ended)
            return
        data = frames.unpadded(flags, payload)
        self.taken(stream, len(payload) - len(data))
        found.receiver.data(data, ended=ended)

    def _on_headers(self, flags: int, stream: int, payload: bytes) -> None:
        block = frames.unpadded(flags, payload, priority=True) if flags & (frames.PADDED | frames.PRIORITY) else payload
        if flags & frames.END_HEADERS:
            self._heard(stream, flags, block)
        else:
            self._block = (stream, flags, bytearray(block))

    def _on_continuation(self, flags: int, stream: int, payload: bytes) -> None:
        if self._block is None:
            raise ProtocolError(PROTOCOL_ERROR, "nothing is to be continued")
        _, first_flags, block = self._block
        block += payload
        if len(block) > _MAX_HEADERS_BYTES:
            raise ProtocolError(ENHANCE_YOUR_CALM, "too many header fields")
        if flags & frames.END_HEADERS:
            self._block = None
            self._heard(stream, first_flags, bytes(block))

    def _heard(self, stream: int, flags: int, block: bytes) -> None:
        fields = self._said.read(block)  # in any case: the tables of both sides must stay the same
        found = self._of_frame(stream, flags)
        if found is not None:
            found.receiver.headers(fields, ended=bool(flags & frames.END_STREAM))

    def _on_reset(self, flags: int, stream: int, payload: bytes) -> None:
        found = self._streams.pop(stream, None)
        if found is None:
            self._check_known(stream)
            return
        found.receiver.failed(of_reset(frames.read_number(payload)))

    def _on_settings(self, flags: int, stream: int, payload: bytes) -> None:
        if flags & frames.ACK:
            return
        self.settled = True
        for name, value in frames.read_settings(payload):
            self._set(name, value)
        self._output.append(frames.frame(frames.SETTINGS, frames.ACK, 0))

    def _set(self, name: int, value: int) -> None:
        if name == frames.HEADER_TABLE_SIZE:
            self.fields.resize(value)
        elif name == frames.MAX_CONCURRENT_STREAMS:
            self._max_streams = value
        elif name == frames.MAX_FRAME_SIZE:
            if not frames.SMALLEST_MAX_FRAME <= value <= frames.LARGEST_MAX_FRAME:
                raise ProtocolError(PROTOCOL_ERROR, f"a largest frame of {value} bytes")
            self._max_frame = value
        elif name == frames.INITIAL_WINDOW_SIZE:
            if value > frames.LARGEST_WINDOW:
                raise ProtocolError(FLOW_CONTROL_ERROR, f"a window of {value} bytes")
            change, self._first_window = value - self._first_window, value
            for number, found in self._streams.items():
                self._widen(number, found, change)

    def _on_push_promise(self, flags: int, stream: int, payload: bytes) -> None:
        raise ProtocolError(PROTOCOL_ERROR, "a push, which was declined")

    def _on_ping(self, flags: int, stream: int, payload: bytes) -> None:
        if not flags & frames.ACK:
            self._output.append(frames.frame(frames.PING, frames.ACK, 0, payload))

    def _on_goaway(self, flags: int, stream: int, payload: bytes) -> None:
        self.closing = True
        last = frames.read_number(payload) & frames.LARGEST_WINDOW
        self._fail(last, "the server closes the connection and has not taken the call", sent=False)

    def _on_window_update(self, flags: int, stream: int, payload: bytes) -> None:
        increment = frames.read_number(payload) & frames.LARGEST_WINDOW
        if stream:
            found = self._streams.get(stream)
            if found is None:
                self._check_known(stream)
            else:
                self._widen(stream, found, increment)
            return
        self._window += increment
        if self._window > frames.LARGEST_WINDOW:
            raise ProtocolError(FLOW_CONTROL_ERROR, "the connection's window is too large")
        for number, found in self._streams.items():
            if found.unsent:
                self._flush(number, found)

    # Inside

    def _of_frame(self, stream: int, flags: int) -> _Open | None:
        """The stream of DATA or HEADERS, which may be its last; None where it has ended before."""
        found = self._streams.get(stream)
        if found is None:
            self._check_known(stream)
        elif flags & frames.END_STREAM:
            self._end(stream, found)
        return found

    def _check_known(self, stream: int) -> None:
        """Frames of streams that have ended may still come; others may not."""
        if stream == 0 or stream >= self._next or stream % 2 == 0:
            raise ProtocolError(PROTOCOL_ERROR, f"a frame of stream {stream}, which was never opened")

    def _end(self, stream: int, found: _Open) -> None:
        """The other side has said all; what we have not said does not matter any more."""
        del self._streams[stream]
        if found.ending is not None:
            self._output.append(frames.rst_stream(stream, CANCEL))

    def _fail(self, last: int, why: str, *, sent: bool) -> None:
        """End the streams that come after `last`."""
        for stream in [number for number in self._streams if number > last]:
            self._streams.pop(stream).receiver.failed(GrpcError(Code.Unavailable, why, sent=sent))

    def _send(self, stream: int, found: _Open, data: bytes, *, end: bool) -> None:
        size = len(data)
        found.ending = end
        if not found.unsent and size <= self._window and size <= found.window and size <= self._max_frame:
            self._emit(stream, found, data, last=True)
            return
        found.unsent += data
        self._flush(stream, found)

    def _flush(self, stream: int, found: _Open) -> None:
        """Send of what waits as much as the windows let through."""
        while found.unsent:
            size = min(len(found.unsent), self._window, found.window, self._max_frame)
            if size <= 0:
                return
            data = bytes(found.unsent[:size])
            del found.unsent[:size]
            self._emit(stream, found, data, last=not found.unsent)

    def _emit(self, stream: int, found: _Open, data: bytes, *, last: bool) -> None:
        self._window -= len(data)
        found.window -= len(data)
        flags = 0
        if last and found.ending:
            flags = frames.END_STREAM
            found.ending = None
        self._output.append(frames.frame(frames.DATA, flags, stream, data))

    def _widen(self, stream: int, found: _Open, increment: int) -> None:
        found.window += increment
        if found.window > frames.LARGEST_WINDOW:
            raise ProtocolError(FLOW_CONTROL_ERROR, "a stream's window is too large")
        self._flush(stream, found)
