"""What is counted of the certificates of webhooks."""

from __future__ import annotations

import base64
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from apiserver.webhooks.caller import Caller, CallFailed
from component.exposition import families, text
from tests.ports import free_port
from tests.unit.apiserver.objects import MemoryLoopback


def counted(name: str) -> float:
    lines = text(families(REGISTRY)).decode().splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(f"apiserver_webhooks_x509_{name}_total "))


def certificate(folder: Path, names: str, digest: str) -> Path:
    """A PEM file with one that signs itself, and its key."""
    made, key = folder / "webhook.crt", folder / "webhook.key"
    command = ["openssl", "req", "-x509", f"-{digest}", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost"]
    command += ["-out", str(made), "-keyout", str(key), *(["-addext", f"subjectAltName={names}"] if names else [])]
    subprocess.run(command, check=True, capture_output=True)
    pair = folder / "pair.pem"
    pair.write_bytes(made.read_bytes() + key.read_bytes())
    return pair


@asynccontextmanager
async def webhook(folder: Path, names: str, digest: str) -> AsyncIterator[dict[str, str]]:
    """Its clientConfig."""
    pair = certificate(folder, names, digest)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(pair)

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=b"{}")

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "localhost", port, ssl_context=context).start()
    try:
        yield {
            "url": f"https://localhost:{port}/",
            "caBundle": base64.b64encode((folder / "webhook.crt").read_bytes()).decode(),
        }
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("names", "more"), [("DNS:localhost", 0), ("", 1)])
async def test_servers_without_alternative_names_are_counted(tmp_path: Path, names: str, more: int) -> None:
    before, caller = counted("missing_san"), Caller(MemoryLoopback())
    async with webhook(tmp_path, names, "sha256") as config:
        for _ in range(2):  # on one connection
            assert await caller.call(config, {}, 5) == b"{}"
    await caller.close()
    assert counted("missing_san") == before + more


async def test_signatures_by_sha1_are_counted(tmp_path: Path) -> None:
    before, caller = counted("insecure_sha1"), Caller(MemoryLoopback())
    async with webhook(tmp_path, "DNS:localhost", "sha1") as config:
        try:
            await caller.call(config, {}, 5)
        except CallFailed as error:
            assert "x509" in str(error)
    await caller.close()
    assert counted("insecure_sha1") == before + 1
