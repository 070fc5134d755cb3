"""The gRPC client against a server of Google's own library."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from component.grpc import Channel, Code, GrpcError, frames
from component.grpc import wire as wiring
from component.grpc.channel import CONNECT_SECONDS
from component.grpc.session import STREAM_WINDOW
from tests.authority import Authority
from tests.etcd_server import TlsPair
from tests.ports import free_port

HOST = "127.0.0.1"
SERVICE = "tests.Service"


class Service:
    """What the server of the tests does, and what it has seen."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {}
        self.remaining = 0.0
        self.cancelled = asyncio.Event()
        self.begun = asyncio.Event()
        self.sent = 0

    async def echo(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        self.metadata = dict(context.invocation_metadata() or ())
        self.remaining = context.time_remaining() or 0.0
        return request

    async def fail(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await context.abort(grpc.StatusCode.OUT_OF_RANGE, "mvcc: required revision is in the future: é, 100%\n")

    async def hang(self, request: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        return b""

    async def count(
        self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
    ) -> AsyncIterator[bytes]:
        """Answers with as many messages of as many bytes as the first request asks for, and then ends as it says."""
        number, size, end = (await anext(requests)).split()
        try:
            for index in range(int(number)):
                yield index.to_bytes(4, "big") * (int(size) // 4)
                self.sent += 1
            if end == b"hang":
                await asyncio.Event().wait()
            if end == b"fail":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "no leader")
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    def handlers(self) -> Any:
        unary: dict[str, Any] = {
            name: grpc.unary_unary_rpc_method_handler(getattr(self, name)) for name in ("echo", "fail", "hang")
        }
        unary["count"] = grpc.stream_stream_rpc_method_handler(self.count)
        return grpc.method_handlers_generic_handler(SERVICE, unary)


@asynccontextmanager
async def serving(
    service: Service,
    port: int = 0,
    *,
    tls: grpc.ServerCredentials | None = None,
    options: tuple[tuple[str, int], ...] = (),
) -> AsyncIterator[int]:
    """The port of a server, which ends without grace."""
    server = grpc.aio.server(options=(("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0), *options))
    server.add_generic_rpc_handlers((service.handlers(),))
    where = f"{HOST}:{port}"
    port = server.add_secure_port(where, tls) if tls else server.add_insecure_port(where)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def port(service: Service) -> AsyncIterator[int]:
    async with serving(service) as port:
        yield port


@pytest.fixture
async def channel(port: int) -> AsyncIterator[Channel]:
    channel = Channel(HOST, port)
    yield channel
    await channel.close()


def method(name: str) -> str:
    return f"/{SERVICE}/{name}"


async def error_of(call: Awaitable[object]) -> GrpcError:
    with pytest.raises(GrpcError) as raised:
        await call
    return raised.value


@pytest.mark.parametrize("size", [0, 1, 16_379, 16_380, 70_000, 9 << 20])
async def test_messages_of_all_sizes(channel: Channel, size: int) -> None:
    assert await channel.unary(method("echo"), bytes(size), timeout=10) == bytes(size)


async def test_metadata_and_the_time_that_is_left_are_told(channel: Channel, service: Service) -> None:
    for _ in range(3):
        await channel.unary(method("echo"), b"", timeout=5, metadata=(("hasleader", "true"),))
        assert service.metadata["hasleader"] == "true"
        assert service.metadata["user-agent"] == "mini-kubernetes"
        assert 3 < service.remaining <= 5


async def test_many_calls_at_a_time(channel: Channel) -> None:
    sent = [bytes([number % 256]) * (number * 37) for number in range(400)]
    assert await asyncio.gather(*(channel.unary(method("echo"), one, timeout=20) for one in sent)) == sent


async def test_a_server_that_limits_streams_gets_no_more_at_a_time(service: Service) -> None:
    async with serving(service, options=(("grpc.max_concurrent_streams", 3),)) as port:
        channel = Channel(HOST, port)
        assert await channel.unary(method("echo"), b"first", timeout=5) == b"first"  # the limit is known by then
        hanging = [asyncio.create_task(channel.unary(method("hang"), b"", timeout=30)) for _ in range(3)]
        await service.begun.wait()
        waiting = asyncio.create_task(channel.unary(method("echo"), b"late", timeout=20))
        late = await error_of(channel.unary(method("echo"), b"too late", timeout=0.2))
        assert (late.code, late.sent, waiting.done()) == (Code.DeadlineExceeded, False, False)
        hanging[0].cancel()
        assert await waiting == b"late"
        await channel.close()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_errors_of_the_server(channel: Channel) -> None:
    error = await error_of(channel.unary(method("fail"), b"", timeout=5))
    assert (error.code, error.message) == (
        Code.OutOfRange,
        "mvcc: required revision is in the future: é, 100%\n",
    )
    error = await error_of(channel.unary(method("unknown"), b"", timeout=5))
    assert error.code is Code.Unimplemented


async def test_a_call_that_takes_too_long(channel: Channel, service: Service) -> None:
    error = await error_of(channel.unary(method("hang"), b"", timeout=0.3))
    assert (error.code, error.sent) == (Code.DeadlineExceeded, True)
    async with asyncio.timeout(5):
        await service.cancelled.wait()
    assert await channel.unary(method("echo"), b"next", timeout=5) == b"next"


async def test_a_call_that_is_cancelled_ends_at_the_server(channel: Channel, service: Service) -> None:
    task = asyncio.create_task(channel.unary(method("hang"), b"", timeout=30))
    async with asyncio.timeout(5):
        await service.begun.wait()
        task.cancel()
        await service.cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("size", [0, 100, 40_000, 6 << 20])
async def test_a_stream_gives_all_messages_and_its_end(channel: Channel, size: int) -> None:
    stream = await channel.stream(method("count"), f"5 {size} end".encode())
    messages = [await stream.read() for _ in range(6)]
    assert messages == [index.to_bytes(4, "big") * (size // 4) for index in range(5)] + [None]


async def test_a_stream_that_fails(channel: Channel) -> None:
    stream = await channel.stream(method("count"), b"1 4 fail")
    assert await stream.read() == bytes(4)
    error = await error_of(stream.read())
    assert (error.code, error.message) == (Code.Unavailable, "no leader")


async def test_a_stream_that_is_cancelled_ends_at_the_server(channel: Channel, service: Service) -> None:
    stream = await channel.stream(method("count"), b"1 4 hang")
    await stream.read()
    stream.cancel()
    async with asyncio.timeout(5):
        await service.cancelled.wait()


async def test_who_does_not_read_a_stream_holds_its_server_back_and_nobody_else(
    channel: Channel, service: Service
) -> None:
    size = 64 << 10
    stream = await channel.stream(method("count"), f"400 {size} end".encode())
    assert await stream.read() is not None
    for _ in range(200):
        assert await channel.unary(method("echo"), b"x", timeout=5) == b"x"
    assert service.sent * size < 3 * STREAM_WINDOW  # what is on its way in buffers of both sides included
    rest = [await stream.read() for _ in range(400)]
    assert [message and message[:4] for message in rest[:-1]] == [index.to_bytes(4, "big") for index in range(1, 400)]
    assert rest[-1] is None


async def test_a_server_that_is_not_there_and_then_is(service: Service) -> None:
    port = free_port()
    channel = Channel(HOST, port)
    errors = await asyncio.gather(*(error_of(channel.unary(method("echo"), b"", timeout=5)) for _ in range(5)))
    assert {(error.code, error.sent) for error in errors} == {(Code.Unavailable, False)}
    assert "connection refused" in errors[0].message
    async with serving(service, port):
        assert await channel.unary(method("echo"), b"now", timeout=5) == b"now"
    await channel.close()


async def test_a_server_that_ends_and_comes_back(service: Service) -> None:
    port = free_port()
    channel = Channel(HOST, port)
    async with serving(service, port):
        stream = await channel.stream(method("count"), b"1 4 hang")
        await stream.read()
        task = asyncio.create_task(channel.unary(method("hang"), b"", timeout=30))
        await service.begun.wait()
    assert (await error_of(task)).sent
    await error_of(stream.read())
    async with serving(Service(), port):
        assert await channel.unary(method("echo"), b"again", timeout=5) == b"again"
    await channel.close()


async def test_closing_ends_what_is_under_way(service: Service, port: int) -> None:
    channel = Channel(HOST, port)
    stream = await channel.stream(method("count"), b"0 4 hang")
    reading = asyncio.create_task(stream.read())
    task = asyncio.create_task(channel.unary(method("hang"), b"", timeout=30))
    await service.begun.wait()
    await channel.close()
    assert (await error_of(task)).code is Code.Unavailable
    assert (await error_of(reading)).code is Code.Unavailable
    assert (await error_of(channel.unary(method("echo"), b"", timeout=1))).code is Code.Canceled


@asynccontextmanager
async def silent_server(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_closing_while_it_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with silent_server(say_nothing) as port:
        channel = Channel(HOST, port, tls=ssl.create_default_context())  # the handshake is never answered
        task = asyncio.create_task(channel.unary(method("echo"), b"", timeout=CONNECT_SECONDS / 2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await channel.close()
        error = await error_of(task)
        assert (error.code, error.sent) == (Code.Canceled, False)


async def test_a_server_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "_QUIET_SECONDS", 0.1)
    monkeypatch.setattr(wiring, "_ANSWER_SECONDS", 0.2)

    async def say_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frames.settings({}))
        await reader.read()
        writer.close()

    async with silent_server(say_little) as port:
        channel = Channel(HOST, port)
        error = await error_of(channel.unary(method("echo"), b"", timeout=20))
        assert (error.code, error.message) == (Code.Unavailable, "keepalive watchdog timeout")
        await channel.close()


async def test_a_server_that_is_merely_slow_is_not_left(
    monkeypatch: pytest.MonkeyPatch, channel: Channel, service: Service
) -> None:
    monkeypatch.setattr(wiring, "_QUIET_SECONDS", 0.05)
    error = await error_of(channel.unary(method("hang"), b"", timeout=1))  # pings are answered meanwhile
    assert error.code is Code.DeadlineExceeded


async def test_what_is_no_http2_is_told_and_not_tried_again() -> None:
    tried = []

    async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(True)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with silent_server(speak_http) as port:
        channel = Channel(HOST, port)
        error = await error_of(channel.unary(method("echo"), b"", timeout=5))
        assert (error.code, error.sent, len(tried)) == (Code.Unavailable, False, 1)
        assert "breaks the rules" in error.message
        await channel.close()


async def test_after_its_servers_goodbye_a_connection_lasts_until_its_last_stream_ends() -> None:
    closed = asyncio.Event()
    connections = 0

    async def say_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(frames.settings({}))
        await reader.readuntil(b"1 4 hang")  # the stream's first message
        writer.write(frames.frame(frames.GOAWAY, 0, 0, (1).to_bytes(4, "big") + bytes(4)))
        await reader.read()
        writer.close()
        closed.set()

    async with silent_server(say_goodbye) as port, asyncio.timeout(10):
        channel = Channel(HOST, port)
        stream = await channel.stream(method("count"), b"1 4 hang")
        while connections < 2:  # calls after the goodbye get a connection of their own
            await error_of(channel.unary(method("echo"), b"", timeout=0.2))
        assert not closed.is_set()
        stream.cancel()
        await closed.wait()
        await channel.close()


async def test_a_unix_socket(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "socket"
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service.handlers(),))
    server.add_insecure_port(f"unix:{path}")
    await server.start()
    channel = Channel("", 0, path=str(path))
    try:
        assert await channel.unary(method("echo"), b"x", timeout=5) == b"x"
    finally:
        await channel.close()
        await server.stop(0)


@pytest.fixture
def pair(tmp_path: Path) -> TlsPair:
    return Authority(tmp_path).pair("server")


@pytest.fixture
def credentials(pair: TlsPair) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials([(Path(pair.keyfile).read_bytes(), Path(pair.certfile).read_bytes())])


async def test_tls(service: Service, pair: TlsPair, credentials: grpc.ServerCredentials) -> None:
    trusting = ssl.create_default_context(cafile=pair.cafile)
    strange = ssl.create_default_context()
    without_alpn = ssl.create_default_context(cafile=pair.cafile)
    for context in (trusting, strange):
        context.set_alpn_protocols(["h2"])
    async with serving(service, tls=credentials) as port:
        for context, message in ((strange, "certificate verify failed"), (without_alpn, "")):
            channel = Channel(HOST, port, tls=context)
            error = await error_of(channel.unary(method("echo"), b"x", timeout=5))
            assert (error.code, error.sent) == (Code.Unavailable, False)
            assert message in error.message
            await channel.close()
        channel = Channel(HOST, port, tls=trusting)
        assert await channel.unary(method("echo"), bytes(100_000), timeout=5) == bytes(100_000)
        await channel.close()
