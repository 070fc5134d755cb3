"""The proxy's own health over HTTP, and the file of its configuration."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from component.process import FatalError
from proxy.configfile import content_of, end_on_change
from proxy.healthz import ProxyHealth


class Proxy:
    """Health that a test decides."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.health = ProxyHealth(lambda: self.trouble, lambda: 86400.0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]

    async def ask(self, path: str) -> tuple[int, Any]:
        """Status and body."""
        url = f"http://127.0.0.1:{self.port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.json()


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    made = Proxy()
    await made.health.serve("127.0.0.1", made.port)
    yield made
    await made.health.close()


async def test_traffic_needs_current_rules_and_a_node_that_stays(proxy: Proxy) -> None:
    status, body = await proxy.ask("/healthz")
    assert (status, body["nodeEligible"], body["lastUpdated"]) == (200, True, body["currentTime"])
    assert (await proxy.ask("/livez"))[0] == 200
    proxy.health.eligible = False
    status, body = await proxy.ask("/healthz")
    assert (status, body["nodeEligible"]) == (503, False)
    status, body = await proxy.ask("/livez")
    assert (status, sorted(body)) == (200, ["currentTime", "lastUpdated"])
    proxy.health.eligible, proxy.trouble = True, "iptables-restore: no"
    status, body = await proxy.ask("/healthz")
    assert (status, body["lastUpdated"]) == (503, "1970-01-02 00:00:00+00:00")
    assert (await proxy.ask("/livez"))[0] == 503


async def test_a_port_in_use_is_one_line(proxy: Proxy) -> None:
    with pytest.raises(FatalError, match=f"failed to listen on 127.0.0.1:{proxy.port}: "):
        await ProxyHealth(lambda: None, lambda: 0.0).serve("127.0.0.1", proxy.port)


async def test_a_new_configuration_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("mode: iptables")
    watching = asyncio.create_task(end_on_change(path, content_of(path), look_seconds=0.01))
    path.unlink()  # as it is for a moment while a ConfigMap's files are exchanged
    path.write_text("mode: iptables")
    done, _ = await asyncio.wait([watching], timeout=0.1)
    assert not done, "the same content is no change"
    path.write_text("mode: ipvs")
    with pytest.raises(FatalError, match="configuration file was updated"):
        async with asyncio.timeout(10):
            await watching
