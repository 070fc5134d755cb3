"""Answers in one piece are what aiohttp would send, byte for byte."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from apiserver.http.complete import CompleteResponse

_BODY = b'{"kind":"Status"}\n'
_FIELDS = [("Content-Type", "application/json"), ("Audit-Id", "7"), ("Warning", '299 - "a"'), ("Warning", '299 - "b"')]
#: More than the buffers of both ends take.
_MUCH = b"x" * (32 << 20)


@asynccontextmanager
async def served(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[tuple[str, int]]:
    """The address of a server with this handler."""
    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address: Any = runner.addresses[0]
    try:
        async with asyncio.timeout(20):
            yield address[0], address[1]
    finally:
        await runner.cleanup()


async def asked(address: tuple[str, int], request: str) -> bytes:
    """All that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request.encode())
    received = await reader.read()
    writer.close()
    return received


def request(line: str, *headers: str) -> str:
    return "\r\n".join((line, "Host: x", *headers, "", ""))


def without_date(received: bytes) -> bytes:
    return re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n", b"Date: D\r\n", received)


@pytest.mark.parametrize("status", [200, 201, 204, 304, 404, 499])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("version", "connection"),
    [("1.1", "keep-alive"), ("1.1", "close"), ("1.0", "keep-alive"), ("1.0", "close"), ("1.0", "")],
)
async def test_the_bytes_are_those_of_aiohttp(status: int, method: str, version: str, connection: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/theirs":
            headers: Any = _FIELDS
            return web.Response(status=status, headers=headers, body=_BODY)
        return CompleteResponse(status, _FIELDS, _BODY)

    async with served(answer) as address:
        received = []
        for path in ("/ours", "/theirs"):
            first = request(f"{method} {path} HTTP/{version}", f"Connection: {connection}")
            # A second one on a connection that is kept shows where the first one ended.
            second = request(f"{method} {path} HTTP/1.1", "Connection: close") if connection == "keep-alive" else ""
            received.append(await asked(address, first + second))
        ours, theirs = map(without_date, received)
    assert ours == theirs
    assert b"Date: D\r\n" in ours
    assert ours.count(b"HTTP/1.") == (2 if connection == "keep-alive" else 1)
    assert (_BODY in ours) == (method != "HEAD" and status not in (204, 304))
    assert (b"Content-Length: 18\r\n" in ours) == (status not in (204, 304))


@pytest.mark.parametrize("text", ["a\r\nX-Forged: 1", "a\nb", "a\rb", "a\0b", "a\x7fb"])
async def test_a_header_cannot_bring_others_with_it(text: str) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = CompleteResponse(200, [("Warning", text)], _BODY)
        with pytest.raises(ValueError, match="control"):
            await response.prepare(request)
        return response

    async with served(answer) as address:
        assert await asked(address, request("GET / HTTP/1.1")) == b""  # aiohttp prepares it again, and gives up


async def test_headers_that_are_no_ascii() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/theirs":
            return web.Response(headers={"Audit-Id": "ä€😀\t\udcff\xa0."}, body=b"")
        return CompleteResponse(200, [("Audit-Id", "ä€😀\t\udcff\xa0.")], b"")

    async with served(answer) as address:
        ours, theirs = [
            await asked(address, request(f"HEAD {path} HTTP/1.1", "Connection: close")) for path in ("/ours", "/theirs")
        ]
    wanted = "Audit-Id: ä€😀\t\xa0.\r\n".encode()
    assert wanted in ours
    assert wanted in theirs


async def test_a_client_that_does_not_read_is_waited_for() -> None:
    sent = asyncio.Event()

    class Seen(CompleteResponse):
        async def write_eof(self, data: bytes = b"") -> None:
            await super().write_eof(data)
            sent.set()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return Seen(200, _FIELDS, _MUCH)

    async with served(answer) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(request("GET / HTTP/1.1", "Connection: close").encode())
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        assert not sent.is_set()
        assert await reader.read() == _MUCH
        assert sent.is_set()
        writer.close()


async def test_a_client_that_has_left_is_told_to_aiohttp() -> None:
    raised: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = CompleteResponse(200, _FIELDS, _BODY)
        await response.prepare(request)
        while request.transport is not None:  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0.01)
        try:
            await response.write_eof()
        except ConnectionError:
            raised.set_result(True)
            raise
        return response

    async with served(answer) as address:
        _, writer = await asyncio.open_connection(*address)
        writer.write(request("GET / HTTP/1.1").encode())
        await asyncio.sleep(0.05)
        writer.close()
        assert await raised


async def test_nothing_follows_an_answer_that_was_sent() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = CompleteResponse(200, _FIELDS, _BODY)
        await response.prepare(request)
        await response.write_eof()
        await response.write_eof()
        raise RuntimeError("too late for a 500")

    async with served(answer) as address:
        received = await asked(address, request("GET / HTTP/1.1"))
    assert received.count(b"HTTP/1.1") == 1
    assert received.endswith(_BODY)


async def test_a_response_may_ask_for_the_end_of_the_connection() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = CompleteResponse(200, _FIELDS, _BODY)
        response.force_close()
        return response

    async with served(answer) as address:
        assert b"Connection: close\r\n" in await asked(address, request("GET / HTTP/1.1"))
