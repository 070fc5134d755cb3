"""The REST client against a server of a few lines: what it sends, what it makes of answers, when it tries again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from api.resources import PODS
from apimachinery.errors import ApiError, Gone, NotFound, ServiceUnavailable, TooManyRequests
from client import rest
from client.rest import ClientConfig, RestClient

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler, **config: Any) -> AsyncIterator[RestClient]:
    """A client of a server that answers everything by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with RestClient(ClientConfig(f"http://{host}:{port}", **config), user_agent="test/1") as client:
            yield client
    finally:
        await runner.cleanup()


def status(code: int, reason: str, **fields: Any) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason, **fields}
    return web.json_response(body, status=code)


async def test_what_is_sent() -> None:
    seen: list[tuple[str, str, dict[str, str], Any]] = []

    async def handler(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append((request.method, request.path_qs, dict(request.headers), orjson.loads(body) if body else None))
        return web.json_response({})

    async with server(handler, token="t") as client:
        await client.list(PODS, "a", label_selector="x in (1,2)", resource_version="0", limit=5)
        await client.patch(PODS, "a", "web", {"x": 1}, patch_type="strategic", subresource="status")
        await client.delete(PODS, "a", "web", grace_period_seconds=0, uid="u", propagation_policy="Orphan")
    method, path, headers, _ = seen[0]
    assert (method, path) == ("GET", "/api/v1/namespaces/a/pods?labelSelector=x+in+(1,2)&resourceVersion=0&limit=5")
    assert headers["Authorization"] == "Bearer t"
    assert headers["User-Agent"] == "test/1"
    method, path, headers, _ = seen[1]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/a/pods/web/status")
    assert headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert seen[2][3] == {
        "kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "propagationPolicy": "Orphan",
        "preconditions": {"uid": "u"},
    }  # fmt: skip


async def test_it_tries_again_where_the_server_asks_for_that() -> None:
    answers = [429, 503, 200]

    async def handler(request: web.Request) -> web.Response:
        code = answers.pop(0)
        return web.json_response({"code": code}, status=code, headers={"Retry-After": "0"} if code != 200 else {})

    async with server(handler) as client:
        assert await client.get(PODS, "a", "web") == {"code": 200}
    assert answers == []


async def test_it_does_not_where_the_server_does_not() -> None:
    calls = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return status(429, "TooManyRequests")

    async with server(handler) as client:
        with pytest.raises(TooManyRequests):
            await client.get(PODS, "a", "web")
    assert calls == 1


async def test_errors() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("absent"):
            return status(404, "NotFound")
        return web.Response(status=502, text="<html>a proxy's words</html>")

    async with server(handler) as client:
        with pytest.raises(NotFound):
            await client.get(PODS, "a", "absent")
        with pytest.raises(ApiError, match="a proxy's words") as raised:
            await client.get(PODS, "a", "web")
        assert raised.value.http_code == 502
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        async with RestClient(ClientConfig("http://127.0.0.1:1"), user_agent="test") as client:
            await client.get(PODS, "a", "web")


async def test_a_watch_of_any_chunks_and_its_errors() -> None:
    large = {"type": "ADDED", "object": {"metadata": {"name": "web"}, "data": "x" * 300_000}}
    gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        data = orjson.dumps(large) + b"\n" + orjson.dumps(gone) + b"\n"
        for start in range(0, len(data), 100_001):
            await response.write(data[start : start + 100_001])
        return response

    async with server(handler) as client:
        events = []
        with pytest.raises(Gone, match="too old"):
            async for event in client.watch(PODS, resource_version="1"):
                events.append(event)
    assert [event.object["metadata"]["name"] for event in events] == ["web"]


async def test_a_token_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "_TOKEN_FILE_SECONDS", 0.0)
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response({})

    file = tmp_path / "token"
    file.write_text("one\n")
    async with server(handler, token_file=str(file)) as client:
        await client.get(PODS, "a", "web")
        file.write_text("two\n")
        await client.get(PODS, "a", "web")
    assert seen == ["Bearer one", "Bearer two"]
