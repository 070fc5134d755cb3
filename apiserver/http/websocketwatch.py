"""Watches over WebSocket (RFC 6455): a text frame for each event, until the watch or the client ends it.

What a client sends is read and thrown away; a browser's bearer token comes as a subprotocol (`authn.headers`)."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import WSMsgType, web

from apiserver.authn.headers import WEBSOCKET_TOKEN, protocols
from apiserver.http.call import Call
from apiserver.http.eventtally import EventTally
from apiserver.http.watchevents import to_the_end
from apiserver.http.websockets import accept
from apiserver.watchcache.watcher import Watcher

_MAX_MESSAGE_BYTES = 64 << 10


async def serve(call: Call, watcher: Watcher, tally: EventTally) -> web.StreamResponse:
    """Send events until the end; a history that is lost is told as an ERROR event. The caller closes the watcher.

    Raises BadRequest for a handshake that is none."""
    offered = [name for name in protocols(call.request.headers) if not name.startswith(WEBSOCKET_TOKEN)]
    response = await accept(call, offered[:1], _MAX_MESSAGE_BYTES)
    listening = asyncio.create_task(_ignore(response, watcher), name="websocket-watch-reader")
    try:
        await _send(watcher, response, tally)
        await response.close()
    except ConnectionError:
        pass  # the client has left; there is nobody to tell
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
    return response


async def _send(watcher: Watcher, response: web.WebSocketResponse, tally: EventTally) -> None:
    async for data in to_the_end(watcher):
        tally.add(data)
        for line in data.splitlines(keepends=True):
            await response.send_frame(line, WSMsgType.TEXT)


async def _ignore(response: web.WebSocketResponse, watcher: Watcher) -> None:
    """Read what the client sends, so that its pings are answered and its leaving is seen."""
    try:
        async for _ in response:
            pass
    finally:
        watcher.close()
