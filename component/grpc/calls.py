"""What gRPC says about a stream of HTTP/2: messages of a length, and a status behind them ("gRPC over HTTP2").

A call is a stream's receiver; it tells its waiter of messages and of the end."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from struct import Struct
from urllib.parse import unquote

from component.grpc.errors import Code, GrpcError, code_of, of_http_status
from component.grpc.fields import Fields

MAX_MESSAGE_BYTES = 512 << 20
_PREFIX = Struct(">BL")  # compressed or not, length


def framed(message: bytes) -> bytes:
    """A message as it goes over the wire, not compressed."""
    return _PREFIX.pack(0, len(message)) + message


def framed_size(message: bytes) -> int:
    """How many bytes that are."""
    return _PREFIX.size + len(message)


class Messages:
    """Puts messages together from the parts of a body."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._wanted = _PREFIX.size  # bytes until there is something to do

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now; raises GrpcError for one that cannot be read."""
        if not self._rest and len(data) > _PREFIX.size and self._size(data) == len(data):
            return [data[_PREFIX.size :]]  # most bodies are one message in one frame
        self._rest += data
        found: list[bytes] = []
        while len(self._rest) >= self._wanted:
            self._wanted = self._size(self._rest)
            if len(self._rest) < self._wanted:
                break
            found.append(bytes(memoryview(self._rest)[_PREFIX.size : self._wanted]))
            del self._rest[: self._wanted]
            self._wanted = _PREFIX.size
        return found

    @property
    def unfinished(self) -> bool:
        """Whether there is a part of a message."""
        return bool(self._rest)

    def _size(self, data: bytes | bytearray) -> int:
        """Bytes of the message at the beginning, its prefix included."""
        compressed, size = _PREFIX.unpack_from(data)
        if compressed:
            raise GrpcError(Code.Unimplemented, "the server compresses messages though it was not asked to")
        if size > MAX_MESSAGE_BYTES:
            raise GrpcError(
                Code.ResourceExhausted, f"received message larger than max ({size} vs. {MAX_MESSAGE_BYTES})"
            )
        return _PREFIX.size + int(size)


def status_of(trailers: Fields) -> GrpcError | None:
    """What the trailers say: None is success."""
    number = trailers.get("grpc-status")
    if number is None:
        return GrpcError(Code.Internal, "the server closed the stream without sending trailers")
    if number == "0":
        return None
    return GrpcError(code_of(number), unquote(trailers.get("grpc-message", "")))


def refusal_of(fields: Fields) -> GrpcError | None:
    """What the first header fields of an answer say, where it is none of gRPC's."""
    status = fields.get(":status", "")
    if status != "200":
        return of_http_status(status)
    if not fields.get("content-type", "").startswith("application/grpc"):
        return GrpcError(Code.Unknown, f"unexpected content-type {fields.get('content-type', '')!r}")
    return None


def _unbound(*_: object) -> None:
    raise RuntimeError("the call has no stream yet")


class Call(ABC):
    """What unary calls and streams have in common: from parts of an answer to messages and an end."""

    def __init__(self) -> None:
        self.give_up: Callable[[], None] = (
            _unbound  #: called where the answer cannot be read and is not wanted any more
        )
        self.take: Callable[[int], None] = _unbound  #: called with the bytes that are done with
        self._begun = False
        self._messages = Messages()

    @abstractmethod
    def on_message(self, message: bytes) -> None:
        """A message has come."""

    @abstractmethod
    def on_end(self, error: GrpcError | None) -> None:
        """The answer is complete, or the call has failed."""

    def held(self, messages: Sequence[bytes]) -> int:
        """The bytes of messages that are not done with when they have come."""
        return 0

    def headers(self, fields: Fields, *, ended: bool) -> None:
        """See `Receiver.headers`."""
        if not self._begun:
            if fields.get(":status", "").startswith("1") and not ended:
                return  # an interim response
            self._begun = True
            refusal = refusal_of(fields)
            if refusal is not None:
                self._refuse(refusal, ended=ended)
                return
        elif not ended:
            self._refuse(GrpcError(Code.Internal, "header fields in the middle of an answer"), ended=False)
            return
        if ended:
            self._finish(fields)

    def data(self, data: bytes, *, ended: bool) -> None:
        """See `Receiver.data`."""
        if not self._begun:
            self._refuse(GrpcError(Code.Internal, "a body without header fields"), ended=ended)
            return
        try:
            messages = self._messages.feed(data)
        except GrpcError as error:
            self._refuse(error, ended=ended)
            return
        for message in messages:
            self.on_message(message)
        if ended:
            self._finish({})
        else:
            self.take(len(data) - self.held(messages))

    def failed(self, error: GrpcError) -> None:
        """See `Receiver.failed`."""
        self.on_end(error)

    def _finish(self, trailers: Fields) -> None:
        error = status_of(trailers)
        if error is None and self._messages.unfinished:
            error = GrpcError(Code.Internal, "the answer ends in the middle of a message")
        self.on_end(error)

    def _refuse(self, error: GrpcError, *, ended: bool) -> None:
        if not ended:
            self.give_up()
        self.on_end(error)


class UnaryCall(Call):
    """One answer, for the future `answer`: a message or a GrpcError."""

    def __init__(self, answer: asyncio.Future[bytes]) -> None:
        super().__init__()
        self.answer = answer
        self._message: bytes | None = None

    def on_message(self, message: bytes) -> None:
        """See `Call.on_message`."""
        self._message = message

    def on_end(self, error: GrpcError | None) -> None:
        """See `Call.on_end`."""
        if self.answer.done():
            return
        if error is None and self._message is None:
            error = GrpcError(Code.Internal, "the server has answered without a message")
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(self._message or b"")


class StreamCall(Call):
    """Messages in a queue, until `ended` or `error`. The stream's window bounds how much the other side can send."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: deque[bytes] = deque()
        self.ended = False
        self.error: GrpcError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def on_message(self, message: bytes) -> None:
        """See `Call.on_message`."""
        self.messages.append(message)
        self._wake()

    def on_end(self, error: GrpcError | None) -> None:
        """See `Call.on_end`."""
        if not self.ended:
            self.ended, self.error = True, error
            self._wake()

    def held(self, messages: Sequence[bytes]) -> int:
        """See `Call.held`: they are when they are read."""
        return sum(map(framed_size, messages))

    async def wait(self) -> None:
        """Until there is a message or the end; for one reader."""
        while not self.messages and not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
