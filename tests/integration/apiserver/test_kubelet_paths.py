"""Logs, exec and proxies: what goes on to a kubelet, here a server that answers as one."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from api.resources import NODES
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess


class Kubelet:
    """Speaks just enough HTTP: /containerLogs, /exec (upgraded, then an echo), and any other path."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        path = head.split(" ")[1]
        if path.startswith("/exec"):
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\nhello ")
            while data := await reader.read(1000):
                writer.write(data.upper())
        elif path.startswith("/containerLogs"):
            writer.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\r\n\r\n4\r\ntwo\n\r\n0\r\n\r\n"
            )
        elif path == "/page":
            page = b"<a href='/next'>/next</a>"
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close\r\n\r\n" + page
            )
        elif path == "/moved":
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /page\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope")
        writer.close()


@pytest.fixture
async def kubelet(tmp_path: Path) -> AsyncIterator[tuple[ApiServerProcess, RestClient, Kubelet]]:
    kubelet = Kubelet()
    async with (
        kubelet.running(),
        ApiServerProcess(tmp_path, "--kubelet-https=false") as server,
        server.client() as api,
    ):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
        }
        await api.create(NODES, {**node, "status": status})
        base = "/api/v1/namespaces/default/"
        await api.raw("POST", base + "serviceaccounts", body=b'{"metadata":{"name":"default"}}', headers=_JSON)
        pod = b'{"metadata":{"name":"p"},"spec":{"nodeName":"n","containers":[{"name":"c","image":"x"}]}}'
        made, answer = await api.raw("POST", base + "pods", body=pod, headers=_JSON)
        assert made == 201, answer
        yield server, api, kubelet


_JSON = {"Content-Type": "application/json"}


async def test_logs_are_streamed(kubelet: tuple[ApiServerProcess, RestClient, Kubelet]) -> None:
    _, api, node = kubelet
    status, body = await api.raw("GET", "/api/v1/namespaces/default/pods/p/log", params={"tailLines": "2"})
    assert (status, body) == (200, b"one\r\ntwo\n")
    assert "GET /containerLogs/default/p/c?tailLines=2 " in node.heads[-1]
    assert ADMIN_TOKEN not in node.heads[-1]


@pytest.mark.parametrize(("protocol", "form"), [("binary.k8s.io", bytes), ("base64.binary.k8s.io", str)])
async def test_logs_over_websocket(
    kubelet: tuple[ApiServerProcess, RestClient, Kubelet], protocol: str, form: type
) -> None:
    server, _, _ = kubelet
    url = f"https://127.0.0.1:{server.port}/api/v1/namespaces/default/pods/p/log?container=c"
    headers, context = {"Authorization": f"Bearer {ADMIN_TOKEN}"}, server.config().ssl_context or True
    received = b""
    async with (
        asyncio.timeout(10),
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=headers, ssl=context, protocols=[protocol]) as socket,
    ):
        assert socket.protocol == protocol
        async for part in socket:
            data: bytes | str = part.data
            assert isinstance(data, form)
            received += data if isinstance(data, bytes) else base64.b64decode(data)
    assert received == b"one\r\ntwo\n"


async def test_exec_is_a_tunnel(kubelet: tuple[ApiServerProcess, RestClient, Kubelet], tmp_path: Path) -> None:
    server, api, node = kubelet
    context = server.config().ssl_context
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    writer.write(
        b"POST /api/v1/namespaces/default/pods/p/exec?command=cat&command=-u&stdin=true&stdout=true HTTP/1.1\r\n"
        b"Host: x\r\nAuthorization: Bearer " + ADMIN_TOKEN.encode() + b"\r\nConnection: Upgrade\r\n"
        b"Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n"
    )
    async with asyncio.timeout(10):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(6) == b"hello "
        long = b"x" * 3_000_000
        writer.write(b"abc" + long)
        assert await reader.readexactly(3) == b"ABC"
        assert await reader.readexactly(len(long)) == long.upper()
    writer.close()
    await writer.wait_closed()
    await api.get(NODES, "", "n")  # by then the server has seen that end
    assert " W " not in (tmp_path / "apiserver.log").read_text()
    assert "POST /exec/default/p/c?input=1&output=1&command=cat&command=-u " in node.heads[-1]
    assert "X-Stream-Protocol-Version: v4.channel.k8s.io" in node.heads[-1]
    assert ADMIN_TOKEN not in node.heads[-1]


async def test_what_is_no_stream_is_refused(kubelet: tuple[ApiServerProcess, RestClient, Kubelet]) -> None:
    _, api, _ = kubelet
    path = "/api/v1/namespaces/default/pods/p/exec"
    assert (await api.raw("POST", path, params={"command": "ls"}))[0] == 400
    status, body = await api.raw("POST", path, params={"command": "ls", "stdout": "1"})
    assert (status, b"Upgrade request required" in body) == (400, True)


async def test_a_node_is_proxied(kubelet: tuple[ApiServerProcess, RestClient, Kubelet]) -> None:
    _, api, node = kubelet
    status, body = await api.raw("GET", "/api/v1/nodes/n/proxy/stats/summary", params={"only": "cpu"})
    assert (status, body) == (404, b"nope")
    assert "GET /stats/summary?only=cpu " in node.heads[-1]


async def test_a_node_that_is_away_is_told(kubelet: tuple[ApiServerProcess, RestClient, Kubelet]) -> None:
    _, api, _ = kubelet
    assert (await api.raw("GET", "/api/v1/nodes/absent/proxy/"))[0] == 404
    status, body = await api.raw("GET", "/api/v1/nodes/n:1/proxy/")
    assert (status, b"error trying to reach service" in body) == (503, True)


async def test_links_and_redirects_lead_through_the_proxy(
    kubelet: tuple[ApiServerProcess, RestClient, Kubelet],
) -> None:
    server, api, node = kubelet
    prefix = "/api/v1/nodes/n/proxy"
    assert await api.raw("GET", f"{prefix}/page") == (200, f"<a href='{prefix}/next'>/next</a>".encode())
    assert f"X-Forwarded-Uri: {prefix}/page\r\n" in node.heads[-1]
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(f"https://127.0.0.1:{server.port}", headers=headers) as session:
        context = server.config().ssl_context or True
        for path, status, location in (
            (f"{prefix}/moved", 302, f"{prefix}/page"),
            (f"{prefix}?a=1", 301, f"{prefix}/?a=1"),
        ):
            async with session.get(path, ssl=context, allow_redirects=False) as answer:
                assert (answer.status, answer.headers["Location"]) == (status, location)
