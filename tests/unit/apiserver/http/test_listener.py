"""Connections that never become a request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from apiserver.http import listener


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(0.3)  # longer than a head may take: only heads are limited
    return web.Response(text="ok")


async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEAD_SECONDS", 0.1)
    runner = listener._server(_answer)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address: Any = runner.addresses[0]
    try:
        slow_reader, slow = await asyncio.open_connection(*address[:2])
        slow.write(b"GET / HTTP/1.1\r\nHost:")
        reader, writer = await asyncio.open_connection(*address[:2])
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            with pytest.raises(ConnectionError):
                if not await slow_reader.read():
                    raise ConnectionError
        slow.close()
        writer.close()
    finally:
        await runner.cleanup()
