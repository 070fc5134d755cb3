"""The kubelet's port 10250: logs that follow, commands over WebSocket and SPDY, forwarded ports, statistics."""

from __future__ import annotations

import asyncio
import base64
import ssl
import struct
import zlib

import aiohttp
import orjson
import pytest

from kubelet.server.spdy import DICTIONARY
from tests.node.kubelet_lab import KubeletLab, make_pod

pytestmark = pytest.mark.timeout(300)
URL = "https://127.0.0.1:10250"


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class SpdyClient:
    """As much of a SPDY client as kubectl is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._deflate = zlib.compressobj(zdict=DICTIONARY)

    @classmethod
    async def connect(cls, path: str, protocol: str) -> SpdyClient:
        reader, writer = await asyncio.open_connection("127.0.0.1", 10250, ssl=insecure())
        head = f"POST {path} HTTP/1.1\r\nHost: node\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
        writer.write(f"{head}X-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n".encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        assert f"X-Stream-Protocol-Version: {protocol}".encode() in answer
        return cls(reader, writer)

    def open(self, stream: int, **headers: str) -> None:
        text = struct.pack(">I", len(headers))
        for pair in headers.items():
            for part in pair:
                text += struct.pack(">I", len(part)) + part.encode()
        block = self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        payload = struct.pack(">IIBB", stream, 0, 0, 0) + block
        self._writer.write(struct.pack(">HHI", 0x8003, 1, len(payload)) + payload)

    def send(self, stream: int, data: bytes, ended: bool = False) -> None:
        self._writer.write(struct.pack(">II", stream, (1 << 24 if ended else 0) | len(data)) + data)

    async def read_all(self, *streams: int) -> dict[int, bytes]:
        """Everything that comes on the streams until each has ended."""
        found = dict.fromkeys(streams, b"")
        open_streams = set(streams)
        while open_streams:
            first, second = struct.unpack(">II", await self._reader.readexactly(8))
            payload = await self._reader.readexactly(second & 0xFFFFFF)
            if first & 0x80000000 or first not in found:
                continue
            found[first] += payload
            if second >> 24 & 1:
                open_streams.discard(first)
        self._writer.close()
        return found


async def test_commands_over_websocket(lab: KubeletLab) -> None:
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    command = [("command", part) for part in ("sh", "-c", "echo out; echo err >&2; cat; exit 3")]
    query = [*command, ("input", "1"), ("output", "1"), ("error", "1")]
    received = dict.fromkeys(range(4), b"")
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{URL}/exec/default/box/c", params=query, ssl=insecure(), protocols=["v5.channel.k8s.io"]
        ) as socket,
    ):
        await socket.send_bytes(b"\x00typed\n")
        await socket.send_bytes(b"\xff\x00")
        async for message in socket:
            received[message.data[0]] += message.data[1:]
    assert (received[1], received[2]) == (b"out\ntyped\n", b"err\n")
    assert orjson.loads(received[3])["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_a_command_may_be_long(lab: KubeletLab) -> None:
    """It comes in the request's line, which the API server takes up to 1 MiB of."""
    await lab.create(make_pod("long"))
    await lab.wait_ready("long")
    url = f"{URL}/exec/default/long/c?output=1&command=echo&command={'a' * 100_000}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, ssl=insecure(), protocols=["v4.channel.k8s.io"]) as socket,
    ):
        printed = b""
        async for message in socket:
            if message.data[0] == 1:
                printed += message.data[1:]
    assert printed == b"a" * 100_000 + b"\n"


async def test_older_websocket_protocols(lab: KubeletLab) -> None:
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    for protocol, ok, told in (
        ("channel.k8s.io", True, b""),
        ("channel.k8s.io", False, b"exit code 3"),
        ("base64.channel.k8s.io", True, b""),
        ("v4.base64.channel.k8s.io", True, b"Success"),
    ):
        command = f"echo out; exit {0 if ok else 3}"
        query = [("command", "sh"), ("command", "-c"), ("command", command), ("output", "1")]
        received = dict.fromkeys(range(4), b"")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"{URL}/exec/default/box/c", params=query, ssl=insecure(), protocols=[protocol]
            ) as socket,
        ):
            async for message in socket:
                if "base64" in protocol:
                    received[int(message.data[0])] += base64.b64decode(message.data[1:])
                else:
                    received[message.data[0]] += message.data[1:]
        assert received[1] == b"out\n"
        assert told in received[3] and bool(told) == bool(received[3])


async def test_commands_over_spdy(lab: KubeletLab) -> None:
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    path = "/exec/default/box/c?command=cat&input=1&output=1"
    client = await SpdyClient.connect(path, "v4.channel.k8s.io")
    for stream, name in ((1, "error"), (3, "stdin"), (5, "stdout")):
        client.open(stream, streamtype=name)
    sent = b"0123456789" * 50_000
    for at in range(0, len(sent), 30_000):
        client.send(3, sent[at : at + 30_000])
    client.send(3, b"", ended=True)
    received = await client.read_all(1, 5)
    assert received[5] == sent
    assert orjson.loads(received[1])["status"] == "Success"


async def test_forwarded_ports_end_at_the_pod_s_loopback(lab: KubeletLab) -> None:
    await lab.create(make_pod("web", ["httpd", "-f", "-p", "127.0.0.1:8080"], terminationGracePeriodSeconds=1))
    await lab.wait_ready("web")
    client = await SpdyClient.connect("/portForward/default/web", "portforward.k8s.io")
    for number, port in (("0", "8080"), ("1", "81")):
        first = 1 + 4 * int(number)
        client.open(first, streamtype="error", port=port, requestid=number)
        client.open(first + 2, streamtype="data", port=port, requestid=number)
    client.send(3, b"GET /bin/busybox HTTP/1.0\r\n\r\n")
    received = await client.read_all(1, 3, 5)
    assert received[3].startswith(b"HTTP/1.")
    assert b"200 OK" in received[3].split(b"\r\n")[0]
    assert received[1] == b""
    assert b"failed to connect to localhost:81" in received[5]


async def test_forwarded_ports_over_websocket(lab: KubeletLab) -> None:
    await lab.create(make_pod("web", ["httpd", "-f", "-p", "127.0.0.1:8080"], terminationGracePeriodSeconds=1))
    await lab.wait_ready("web")
    received = [b""] * 4
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{URL}/portForward/default/web",
            params={"port": "8080,81"},
            protocols=["v4.channel.k8s.io"],
            ssl=insecure(),
        ) as socket,
    ):
        await socket.send_bytes(b"\x00GET /bin/busybox HTTP/1.0\r\n\r\n")
        async for message in socket:  # ends when both connections have
            received[message.data[0]] += message.data[1:]
    assert [found[:2] for found in received] == [port.to_bytes(2, "little") for port in (8080, 8080, 81, 81)]
    assert b"200 OK" in received[0].split(b"\r\n")[0]
    assert received[1][2:] == b""
    assert received[3][2:].startswith(b"error forwarding port 81 to pod web_default, uid ")
    assert received[3].endswith(b": failed to connect to localhost:81: connection refused")


async def test_logs_that_follow_and_previous_ones(lab: KubeletLab) -> None:
    await lab.create(make_pod("talks", ["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.3; done; exit 1"]))

    async def started() -> bool:
        return "containerID" in await lab.status("talks")

    await lab.until(started)
    assert await lab.logs("talks", follow="true") == "line 1\nline 2\nline 3\n"
    await lab.wait_state("talks", "waiting", "CrashLoopBackOff")
    assert (await lab.logs("talks", previous="true", tailLines="2")).splitlines() == ["line 2", "line 3"]
    assert await lab.logs("talks", limitBytes="6") == "line 1"
    stamped = await lab.logs("talks", timestamps="true", tailLines="1")
    assert stamped[:2] == "20"
    assert stamped.endswith("Z line 3\n")


async def test_statistics_and_what_else_is_served(lab: KubeletLab) -> None:
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    async with aiohttp.ClientSession() as session:

        async def get(path: str) -> tuple[int, bytes]:
            async with session.get(URL + path, ssl=insecure()) as answer:
                return answer.status, await answer.read()

        summary = orjson.loads((await get("/stats/summary"))[1])
        assert summary["pods"][0]["containers"][0]["memory"]["workingSetBytes"] > 0
        assert summary["pods"][0]["network"]["name"] == "eth0"
        assert "uplink" in {link["name"] for link in summary["node"]["network"]["interfaces"]}
        assert (
            b'container_cpu_usage_seconds_total{container="c",namespace="default",pod="box"}'
            in (await get("/metrics/resource"))[1]
        )
        assert b"kubelet_running_pods 1\n" in (await get("/metrics"))[1]
        assert orjson.loads((await get("/pods"))[1])["items"][0]["metadata"]["name"] == "box"
        assert await get("/healthz") == (200, b"ok")
        assert b'href="/logs/' in (await get("/logs/"))[1]
        assert (await get("/logs/%2e%2e/%2e%2e/etc/passwd"))[0] in (403, 404)
        assert (await get("/containerLogs/default/none/c"))[0] == 404
        assert (await get("/containerLogs/default/box/none"))[0] == 404
        assert (await get("/containerLogs/default/box/c?previous=true"))[0] == 400
        assert (await get("/exec/default/box/c?command=true"))[0] == 400


async def test_nobody_is_served_unasked(lab: KubeletLab) -> None:
    await lab.kill_kubelet()
    await lab.start_kubelet("--anonymous-auth=false")
    await lab.create(make_pod("box"))
    await lab.wait_ready("box")
    async with aiohttp.ClientSession() as session, session.get(f"{URL}/pods", ssl=insecure()) as answer:
        assert answer.status == 401
