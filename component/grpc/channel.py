"""A channel to one server: connects when there is a call to make, and anew after the connection is lost."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from functools import partial

from component.grpc.calls import StreamCall, UnaryCall, framed, framed_size
from component.grpc.errors import Code, GrpcError
from component.grpc.fields import once
from component.grpc.wire import Wire

CONNECT_SECONDS = 3.0
_USER_AGENT = "mini-kubernetes"
_SOCKET_AUTHORITY = "localhost"

Metadata = tuple[tuple[str, str], ...]


class Channel:
    """Calls of one server. For one event loop; to be closed by whoever made it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        path: str = "",
        tls: ssl.SSLContext | None = None,
        user_agent: str = _USER_AGENT,
    ) -> None:
        """`path` is that of a Unix socket, in place of host and port. A TLS context must offer "h2" by ALPN."""
        self._loop = asyncio.get_running_loop()  # asking for it is a system call
        self._user_agent = user_agent
        self._host, self._port, self._path, self._tls = host, port, path, tls
        name = f"[{host}]" if ":" in host else host
        self.authority = _SOCKET_AUTHORITY if path else f"{name}:{port}"
        self._heads: dict[tuple[str, Metadata], Metadata] = {}
        self._wire: Wire | None = None
        self._wires: set[Wire] = set()  # it, and those that only finish what they have begun
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()  # for a stream to end, where the server limits them
        self.closed = False

    async def unary(self, method: str, message: bytes, *, timeout: float, metadata: Metadata = ()) -> bytes:
        """The answer to one message; `method` is "/package.Service/Method", `timeout` in seconds. Raises GrpcError."""
        loop = self._loop
        ends = loop.time() + timeout
        wire = self._wire
        if wire is None or wire.session.closing or wire.session.full:
            wire = await self._usable(method, timeout)
        call = UnaryCall(loop.create_future())
        session = wire.session
        block = session.fields.write(self._head(method, metadata)) + _timeout_field(ends - loop.time())
        stream = session.open(block, call, framed(message), end=True)

        def run_out() -> None:
            wire.cancel(stream)
            call.on_end(GrpcError(Code.DeadlineExceeded, "context deadline exceeded"))

        call.give_up, call.take = partial(wire.cancel, stream), partial(session.taken, stream)
        timer = loop.call_at(ends, run_out)
        wire.flush()
        try:
            return await call.answer
        except asyncio.CancelledError:
            wire.cancel(stream)
            raise
        finally:
            timer.cancel()

    async def stream(self, method: str, message: bytes, *, metadata: Metadata = ()) -> Stream:
        """A bidirectional stream that begins with a message; raises GrpcError where there is no connection."""
        wire = self._wire
        if wire is None or wire.session.closing or wire.session.full:
            wire = await self._usable(method, CONNECT_SECONDS)
        call = StreamCall()
        block = wire.session.fields.write(self._head(method, metadata))
        number = wire.session.open(block, call, framed(message), end=False)
        stream = Stream(wire, number, call)
        wire.flush()
        return stream

    async def close(self) -> None:
        """End all calls and the connection."""
        self.closed = True
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
        wires = tuple(self._wires)
        for wire in wires:
            wire.close()
        self._free()
        for wire in wires:
            await wire.wait_ended()

    def _head(self, method: str, metadata: Metadata) -> Metadata:
        """The header fields that all calls of a method have."""
        head = self._heads.get((method, metadata))
        if head is None:
            head = self._heads[method, metadata] = (
                (":method", "POST"),
                (":scheme", "https" if self._tls else "http"),
                (":path", method),
                (":authority", self.authority),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
                ("user-agent", self._user_agent),
                *metadata,
            )
        return head

    async def _usable(self, method: str, timeout: float) -> Wire:
        """A connection that takes a new stream; raises GrpcError, which was not sent, where there is none in time."""
        try:
            async with asyncio.timeout(timeout):
                if self._wire is None or self._wire.session.closing:
                    await self._connect()
                while (wire := self._wire) is not None and wire.session.full and not wire.session.closing:
                    await self._one_ends()
        except TimeoutError:
            raise GrpcError(Code.DeadlineExceeded, f"{method}: no connection in time", sent=False) from None
        if wire is None or wire.session.closing:
            raise self._unreachable("the server has closed the connection")
        return wire

    async def _connect(self) -> None:
        """Wait for a connection that all callers share; raises GrpcError."""
        if self.closed:
            raise GrpcError(Code.Canceled, "the channel is closed", sent=False)
        task = self._connecting
        if task is None:
            task = self._connecting = asyncio.create_task(self._open(), name="grpc-connect")
            task.add_done_callback(self._connected)
        await asyncio.wait([task])
        if task.cancelled():
            raise GrpcError(Code.Canceled, "the channel is closed", sent=False)
        task.result()

    def _connected(self, task: asyncio.Task[None]) -> None:
        if self._connecting is task:
            self._connecting = None
        if not task.cancelled():
            task.exception()  # those who wait for it have it; there may be nobody left

    async def _open(self) -> None:
        wire: Wire | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                wire = await self._dial()
                await wire.ready
        except TimeoutError:
            raise self._unreachable("context deadline exceeded") from None
        except ssl.SSLError as error:  # its numbers are not the kernel's
            raise self._unreachable(str(error)) from error
        except OSError as error:
            raise self._unreachable(os.strerror(error.errno).lower() if error.errno else str(error)) from error
        finally:
            if wire is not None and not wire.session.settled:
                wire.close()
        self._wires.add(wire)
        self._wire = wire

    async def _dial(self) -> Wire:
        if self._path:
            return (await self._loop.create_unix_connection(self._make, self._path))[1]
        return (await self._loop.create_connection(self._make, self._host, self._port, ssl=self._tls))[1]

    def _make(self) -> Wire:
        return Wire(self._loop, self._free, self._lost)

    def _unreachable(self, why: str) -> GrpcError:
        where = self._path or self.authority
        return GrpcError(Code.Unavailable, f"connection error: dial {where}: {why}", sent=False)

    def _lost(self, wire: Wire) -> None:
        self._wires.discard(wire)
        if self._wire is wire:
            self._wire = None
        self._free()

    async def _one_ends(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def _free(self) -> None:
        """Let all who wait for a place look again; the first ones get it."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)


class Stream:
    """A bidirectional stream, for one reader. It must be cancelled when it is not wanted any more."""

    def __init__(self, wire: Wire, number: int, call: StreamCall) -> None:
        self._wire = wire
        self._number = number
        self._call = call
        call.give_up, call.take = self.cancel, partial(wire.session.taken, number)

    async def read(self) -> bytes | None:
        """The next message, None after the last; raises GrpcError where the stream has failed."""
        call = self._call
        if not call.messages:
            await call.wait()
        if call.messages:
            message = call.messages.popleft()
            self._wire.session.taken(self._number, framed_size(message))
            self._wire.flush()
            return message
        if call.error is not None:
            raise call.error
        return None

    def cancel(self) -> None:
        """End it; nothing more comes."""
        self._wire.cancel(self._number)


def _timeout_field(seconds: float) -> bytes:
    """The server is told too how long its answer is waited for."""
    return once(b"grpc-timeout", b"%dm" % max(1, int(seconds * 1000)))
