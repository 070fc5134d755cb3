"""Health check node ports, asked over HTTP as a load balancer does."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest_asyncio

from proxy.healthcheck import HealthCheckPorts


@pytest_asyncio.fixture
async def ports() -> AsyncIterator[HealthCheckPorts]:
    made = HealthCheckPorts()
    yield made
    await made.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def answer(port: int) -> tuple[int, Any]:
    """Status and body."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        return response.status, await response.json()


async def test_local_endpoints_decide(ports: HealthCheckPorts) -> None:
    port = free_port()
    await ports.update({port: ("default/web", 2)})
    body = {"service": {"namespace": "default", "name": "web"}, "localEndpoints": 2, "serviceProxyHealthy": True}
    assert await answer(port) == (200, body)
    await ports.update({port: ("default/web", 0)})
    assert (await answer(port))[0] == 503
    await ports.update({})
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0


async def test_a_port_in_use_is_taken_once_it_is_free(ports: HealthCheckPorts) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        await ports.update({port: ("default/web", 1)})
    await ports.update({port: ("default/web", 1)})
    assert (await answer(port))[0] == 200
