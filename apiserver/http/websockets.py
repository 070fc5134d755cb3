"""Answering a request with a WebSocket (RFC 6455)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from apimachinery.errors import BadRequest
from apiserver.http.call import Call

_HEARTBEAT_SECONDS = 30.0  #: how long a client that is not there any more may go unnoticed, at most twice


def is_websocket(request: web.BaseRequest) -> bool:
    """Whether the client asks for a WebSocket."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return False
    return "upgrade" in (part.strip() for part in request.headers.get("Connection", "").lower().split(","))


async def accept(call: Call, subprotocols: Sequence[str], max_message_bytes: int) -> web.WebSocketResponse:
    """The open WebSocket, by one of the subprotocols. Raises BadRequest for a handshake that is none."""
    socket = web.WebSocketResponse(
        protocols=subprotocols, compress=False, heartbeat=_HEARTBEAT_SECONDS, max_msg_size=max_message_bytes
    )
    socket.headers.update(call.headers())
    try:
        await socket.prepare(call.request)
    except web.HTTPBadRequest as error:
        raise BadRequest(error.text or "bad WebSocket handshake") from error
    if call.trail is not None:
        await call.trail.started(socket.status)
    return socket
