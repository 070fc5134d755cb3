"""exec and attach over WebSocket: the subprotocols channel.k8s.io (its v4 and v5 as well) and base64.channel.k8s.io.

How a command ended is a Status on the error channel, before v4 the text of what went wrong, if anything did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from kubelet.runtime.interface import RuntimeFailure
from kubelet.runtime.sessions import Session
from kubelet.server.channels import Channels

logger = logging.getLogger(__name__)

PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
)
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_PING_SECONDS = 10.0


async def serve(request: web.Request, session: Session, stdin: bool) -> web.WebSocketResponse:
    """Carry one session over the request's WebSocket until either side ends."""
    socket = web.WebSocketResponse(protocols=PROTOCOLS, heartbeat=_PING_SECONDS * 3, compress=False, max_msg_size=0)
    await socket.prepare(request)
    # A client that names no subprotocol speaks the oldest.
    protocol = socket.ws_protocol or "channel.k8s.io"
    channels = Channels(socket, protocol)
    await channels.send(STDOUT, b"")  # tells the client that the command runs
    pump = asyncio.create_task(_to_client(channels, session), name="exec-output")
    feed = asyncio.create_task(_from_client(channels, session, stdin), name="exec-input")
    try:
        done, _ = await asyncio.wait({pump, feed}, return_when=asyncio.FIRST_COMPLETED)
        if pump in done:
            await pump
            await _tell_end(channels, protocol, exit_status(await session.exit_code()))
        else:
            await feed
    except (RuntimeFailure, OSError) as error:
        if not socket.closed:
            await _tell_end(channels, protocol, failure(str(error)))
    finally:
        session.close()
        for task in (pump, feed):
            task.cancel()
        await socket.close()
    return socket


async def _tell_end(channels: Channels, protocol: str, status: Mapping[str, Any]) -> None:
    if protocol.startswith(("v4.", "v5.")):
        await channels.send(ERROR, orjson.dumps(status))
    elif status["status"] != "Success":
        await channels.send(ERROR, status["message"].encode())


async def _to_client(channels: Channels, session: Session) -> None:
    async for stream, data in session.output():
        await channels.send(STDERR if stream == 2 else STDOUT, data)


async def _from_client(channels: Channels, session: Session, stdin: bool) -> None:
    """Ends when the client has left."""
    async for channel, data in channels.received():
        if channel == STDIN and stdin and data:
            await session.write(data)
        elif channel == RESIZE:
            size = terminal_size(data)
            if size is not None:
                await session.resize(*size)
        elif channel == CLOSE and data[:1] == bytes([STDIN]):
            session.close_input()


def terminal_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a resize message; None for one that makes no sense. Pure."""
    try:
        size = orjson.loads(data)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, TypeError, KeyError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def exit_status(code: int) -> Mapping[str, Any]:
    """The Status of a command that ended. Pure."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: error executing command, exit code {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure(message: str) -> Mapping[str, Any]:
    """The Status of a command that could not be run. Pure."""
    return {
        "metadata": {}, "status": "Failure", "message": message, "reason": "InternalError",
        "details": {"causes": [{"message": message}]}, "code": 500,
    }  # fmt: skip
