"""Watches over WebSocket, as browsers and client libraries ask for them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from api.resources import CONFIG_MAPS
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PATH = "/api/v1/namespaces/default/configmaps"


@pytest_asyncio.fixture(loop_scope="module")
async def http(server: ApiServerProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=f"https://127.0.0.1:{server.port}") as session:
        yield session


def _token(token: str = ADMIN_TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _event(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    message = await asyncio.wait_for(socket.receive(), 10)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    event: dict[str, Any] = orjson.loads(message.data)
    return event


async def test_a_frame_for_each_event_and_a_close_at_the_end(api: RestClient, http: aiohttp.ClientSession) -> None:
    await api.create(CONFIG_MAPS, {"metadata": {"name": "first", "namespace": "default"}})
    query = "watch=true&fieldSelector=metadata.name=first&timeoutSeconds=2"
    async with http.ws_connect(f"{_PATH}?{query}", ssl=False, headers=_token()) as socket:
        assert [(await _event(socket))["type"]] == ["ADDED"]
        await api.patch(CONFIG_MAPS, "default", "first", {"data": {"a": "1"}}, patch_type="merge")
        changed = await _event(socket)
        assert (changed["type"], changed["object"]["data"]) == ("MODIFIED", {"a": "1"})
        await api.delete(CONFIG_MAPS, "default", "first")
        assert (await _event(socket))["type"] == "DELETED"
        assert (await asyncio.wait_for(socket.receive(), 10)).type is aiohttp.WSMsgType.CLOSE


async def test_a_history_that_is_lost_is_told_by_an_event(tmp_path: Path) -> None:
    """Not by the answer's status, with which older client libraries do not look into its body."""
    path = f"{_PATH}?watch=1&resourceVersion=1"
    async with ApiServerProcess(tmp_path) as server:
        await server.stop()
        await server.start()  # the watch cache begins where the store is now
        async with aiohttp.ClientSession(base_url=f"https://127.0.0.1:{server.port}") as http:
            async with http.get(path, ssl=False, headers=_token()) as answer:
                assert answer.status == 200
                told = orjson.loads(await asyncio.wait_for(answer.read(), 10))
            async with http.ws_connect(path, ssl=False, headers=_token()) as socket:
                assert await _event(socket) == told
    assert told["type"] == "ERROR"
    status = told["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


async def test_the_token_may_come_as_a_subprotocol(http: aiohttp.ClientSession) -> None:
    token = base64.urlsafe_b64encode(ADMIN_TOKEN.encode()).decode().rstrip("=")
    protocols = (f"base64url.bearer.authorization.k8s.io.{token}", "base64.binary.k8s.io")
    query = "watch=1&allowWatchBookmarks=true&timeoutSeconds=1"
    async with http.ws_connect(f"{_PATH}?{query}", ssl=False, protocols=protocols) as socket:
        assert socket.protocol == "base64.binary.k8s.io"


async def test_refusals_are_plain_http(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"{_PATH}?watch=1", ssl=False, headers=_token("wrong"))
    assert refused.value.status == 401
    bad = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "1", **_token()}
    async with http.get(f"{_PATH}?watch=1", ssl=False, headers=bad) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (400, "BadRequest")


async def test_watches_of_clients_that_left_are_gone(api: RestClient, http: aiohttp.ClientSession) -> None:
    async def running() -> float:
        _, body = await api.raw("GET", "/metrics")
        lines = (line for line in body.decode().splitlines() if line.startswith("apiserver_longrunning_requests"))
        return sum(float(line.rpartition(" ")[2]) for line in lines if 'resource="secrets"' in line)

    socket = await http.ws_connect("/api/v1/namespaces/default/secrets?watch=1", ssl=False, headers=_token())
    assert await running() == 1
    await socket.close()
    for _ in range(200):
        if not await running():
            return
        await asyncio.sleep(0.05)  # nobody tells when the server has seen it
    pytest.fail("the watch goes on without its client")
