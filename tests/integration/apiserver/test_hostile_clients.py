"""Clients that are slow, or mean harm: they are cut off or kept waiting, and everybody else is served meanwhile."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from api.resources import CONFIG_MAPS, VALIDATING_WEBHOOKS
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess

_HEAD = f"Host: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\nContent-Type: application/json\r\n"
_CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
_BIG = "x" * 200_000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    async with ApiServerProcess(tmp_path, "--request-timeout=2s") as running:
        yield running


@pytest_asyncio.fixture
async def api(server: ApiServerProcess) -> AsyncIterator[RestClient]:
    async with server.client() as client:
        yield client


async def connect(server: ApiServerProcess, sent: str) -> Streams:
    """A connection on which that much was sent, and nothing was read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    writer.write(sent.encode())
    return reader, writer


async def answer(streams: Streams) -> bytes:
    """The first line of the answer."""
    async with asyncio.timeout(20):
        return await streams[0].readline()


async def served(api: RestClient) -> bool:
    async with asyncio.timeout(10):
        return bool((await api.list(CONFIG_MAPS, "kube-system"))["items"])


async def test_heads_that_do_not_end(server: ApiServerProcess, api: RestClient) -> None:
    slow = [await connect(server, "GET /api HTTP/1.1\r\nHost:") for _ in range(100)]
    assert await served(api)
    for _, writer in slow:
        writer.close()


async def test_heads_that_are_too_long(server: ApiServerProcess, api: RestClient) -> None:
    line = await connect(server, f"GET /api HTTP/1.1\r\n{_HEAD}X-Long: {'x' * (2 << 20)}\r\n\r\n")
    assert b" 400 " in await answer(line)
    many = "".join(f"X-{number}: x\r\n" for number in range(100_000))
    streams = await connect(server, f"GET /api HTTP/1.1\r\n{_HEAD}{many}\r\n")
    assert b" 400 " in await answer(streams)
    assert await served(api)


async def test_bodies_that_do_not_come_are_not_waited_for(server: ApiServerProcess, api: RestClient) -> None:
    head = f"POST {_CONFIG_MAPS} HTTP/1.1\r\n{_HEAD}Content-Length: 1000\r\n\r\n"
    waiting = [await connect(server, head + '{"metadata":') for _ in range(50)]
    assert await served(api)
    for streams in waiting:
        assert b" 504 " in await answer(streams)


async def test_bodies_without_end_are_refused(server: ApiServerProcess, api: RestClient) -> None:
    head = f"POST {_CONFIG_MAPS} HTTP/1.1\r\n{_HEAD}Transfer-Encoding: chunked\r\n\r\n"
    streams = await connect(server, head + "100000\r\n" + "x" * (1 << 20) + "\r\n")
    for _ in range(3):
        streams[1].write(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
    assert b" 413 " in await answer(streams)
    assert await served(api)


async def test_a_watch_that_nobody_reads_holds_up_nobody(server: ApiServerProcess, api: RestClient) -> None:
    path = f"{_CONFIG_MAPS}?watch=1&resourceVersion=0"
    deaf = [await connect(server, f"GET {path} HTTP/1.1\r\n{_HEAD}\r\n") for _ in range(20)]
    await api.create(CONFIG_MAPS, {"metadata": {"name": "much", "namespace": "default"}})
    before = resident_bytes(server.pid)
    changes = 100
    listening = asyncio.create_task(last_of(api, str(changes - 1)), name="good-watcher")
    for number in range(changes):
        await api.patch(CONFIG_MAPS, "default", "much", {"data": {"n": str(number), "x": _BIG}}, patch_type="merge")
    async with asyncio.timeout(20):
        await listening
    # 100 changes of 200 kB for 20 watchers: 400 MB where each had a queue of its own.
    assert resident_bytes(server.pid) - before < 150 << 20
    for _, writer in deaf:
        writer.close()


async def last_of(api: RestClient, number: str) -> None:
    async for event in api.watch(CONFIG_MAPS, "default", resource_version="0"):
        if (event.object.get("data") or {}).get("n") == number:
            return


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


async def test_a_write_counts_as_long_as_it_lasts_though_nobody_waits(
    server: ApiServerProcess, api: RestClient
) -> None:
    silent = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    webhook = {"name": "silent.example.com", "clientConfig": {"url": f"https://127.0.0.1:{port}"}, "rules": [rule],
               "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 30}  # fmt: skip
    await api.create(VALIDATING_WEBHOOKS, {"metadata": {"name": "silent"}, "webhooks": [webhook]})
    body = '{"metadata": {"name": "slow"}}'
    asked = await connect(server, f"POST {_CONFIG_MAPS} HTTP/1.1\r\n{_HEAD}Content-Length: {len(body)}\r\n\r\n{body}")
    assert b" 504 " in await answer(asked)
    text = (await api.raw("GET", "/metrics"))[1]
    assert b'apiserver_current_inflight_requests{request_kind="mutating"} 1\n' in text
    asked[1].close()
    silent.close()


async def test_headers_that_are_no_text(server: ApiServerProcess) -> None:
    """They are the client's mistake, and nothing for the log."""
    answers = []
    for odd in (
        b"Authorization: Bearer \xff",
        f"Authorization: Bearer {ADMIN_TOKEN}\r\nImpersonate-User: ".encode() + b"\xff",
    ):
        streams = await connect(server, f"GET {_CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\n")
        streams[1].write(odd + b"\r\n\r\n")
        answers.append((await answer(streams)).split(b" ")[1])
        streams[1].close()
    assert answers == [b"401", b"403"]
