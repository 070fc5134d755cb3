"""Probes against real servers on loopback: HTTP, TCP and gRPC."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from aiohttp import web

from kubelet.handlers import HandlerBroken, HandlerFailed, Handlers
from kubelet.runtime.docker import DockerRuntime
from kubelet.runtime.engine import Engine

CONTAINER: dict[str, Any] = {"name": "c", "ports": []}
HOST = "127.0.0.1"


@pytest_asyncio.fixture
async def handlers() -> AsyncIterator[Handlers]:
    engine = Engine("/nonexistent/docker.sock")
    handlers = Handlers(DockerRuntime(engine, "/nonexistent"))
    yield handlers
    await handlers.close()
    await engine.close()


@pytest_asyncio.fixture
async def web_port() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/slow":
            await asyncio.sleep(5)
        location = request.path_qs if request.query.get("to") == "itself" else request.query.get("to", "")
        headers = {"Location": location} if location else {}
        return web.Response(status=int(request.path.strip("/") or 200), headers=headers, text=str(request.headers))

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port: int = runner.addresses[0][1]
    yield port
    await runner.cleanup()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def run(handlers: Handlers, handler: dict[str, Any], seconds: float = 2) -> str:
    return await handlers.run(handler, CONTAINER, "id", HOST, seconds)


async def test_http(handlers: Handlers, web_port: int) -> None:
    await run(handlers, {"httpGet": {"path": "/200", "port": web_port}})
    await run(handlers, {"httpGet": {"path": "302", "port": web_port, "host": HOST}})
    with pytest.raises(HandlerFailed, match=r"^HTTP probe failed with statuscode: 503$"):
        await run(handlers, {"httpGet": {"path": "/503", "port": web_port}})
    with pytest.raises(HandlerFailed, match=r"Client\.Timeout exceeded while awaiting headers"):
        await run(handlers, {"httpGet": {"path": "/slow", "port": web_port}}, seconds=0.2)
    closed = unused_port()
    with pytest.raises(HandlerFailed, match=f'Get "http://{HOST}:{closed}/": dial tcp .*: connect: connection refused'):
        await run(handlers, {"httpGet": {"port": closed}})
    with pytest.raises(HandlerBroken, match="couldn't find port: web"):
        await run(handlers, {"httpGet": {"port": "web"}})


async def test_redirects_are_followed_on_the_same_host_only(handlers: Handlers, web_port: int) -> None:
    async def answered(path: str) -> str:
        return await run(handlers, {"httpGet": {"path": path, "port": web_port}})

    assert await answered("/302?to=/200") == ""
    with pytest.raises(HandlerFailed, match=r"^HTTP probe failed with statuscode: 500$"):
        await answered("/301?to=/500")
    with pytest.raises(HandlerFailed, match=r"^HTTP probe failed with statuscode: 500$"):
        await answered(f"/307?to=http://{HOST}:{web_port}/302%3Fto=/500")
    for path in ("/302?to=http://0.0.0.0/500", "/302"):
        assert (await answered(path)).startswith("Probe terminated redirects, Response body: <CIMultiDict")
    with pytest.raises(HandlerFailed, match="stopped after 10 redirects"):
        await answered("/302?to=itself")


async def test_tcp(handlers: Handlers, web_port: int) -> None:
    await run(handlers, {"tcpSocket": {"port": web_port}})
    with pytest.raises(HandlerFailed, match="connect"):
        await run(handlers, {"tcpSocket": {"port": unused_port()}})


async def test_grpc(handlers: Handlers) -> None:
    async def check(request: bytes, context: Any) -> bytes:
        return b"\x08\x01" if request in (b"", b"\x0a\x04good") else b"\x08\x02"

    server = grpc.aio.server()
    method: Any = grpc.unary_unary_rpc_method_handler(check)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method}),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    try:
        await run(handlers, {"grpc": {"port": port}})
        await run(handlers, {"grpc": {"port": port, "service": "good"}})
        with pytest.raises(HandlerFailed, match="NOT_SERVING"):
            await run(handlers, {"grpc": {"port": port, "service": "bad"}})
    finally:
        await server.stop(0)
    with pytest.raises(HandlerFailed, match=r"error: |timeout: "):
        await run(handlers, {"grpc": {"port": port}})


async def test_a_runtime_that_is_away_is_no_verdict(handlers: Handlers) -> None:
    with pytest.raises(HandlerBroken, match="Cannot connect to the Docker daemon"):
        await run(handlers, {"exec": {"command": ["true"]}})
