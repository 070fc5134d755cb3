"""port-forward over WebSocket: the subprotocols v4.channel.k8s.io and v4.base64.channel.k8s.io.

The request names the ports. Each has one connection and two channels, one for data and one for errors, on both of which
it is named first (two bytes, the lower one first). `port_forward.py` does the same over SPDY."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from aiohttp import web

from kubelet.server import pod_port
from kubelet.server.channels import Channels

logger = logging.getLogger(__name__)

PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io")
_PING_SECONDS = 30.0
_MOST_PORTS = 100
_MOST_BYTES = 32 << 20  #: of one message, as upstream


def ports_of(given: Sequence[str]) -> list[int]:
    """The ports of the request's `port` parameters, each a list with commas; raises ValueError. Pure."""
    if not given:
        raise ValueError('query parameter "port" is required')
    ports = []
    for text in given:
        if not text:
            raise ValueError('query parameter "port" cannot be empty')
        for part in text.split(","):
            if not (part.isascii() and part.isdigit() and len(part) <= 5 and int(part) < 1 << 16):
                raise ValueError(f'unable to parse "{text}" as a port: "{part}" is none')
            if int(part) == 0:
                raise ValueError(f'port "{text}" must be > 0')
            ports.append(int(part))
    if len(ports) > _MOST_PORTS:
        raise ValueError(f"no more than {_MOST_PORTS} ports can be forwarded at once")
    return ports


async def serve(request: web.Request, pid: int, pod: str) -> web.WebSocketResponse:
    """Carry the request until its client or all its connections have ended; `pod` is how errors call the pod."""
    try:
        ports = ports_of(request.query.getall("port", []))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    socket = web.WebSocketResponse(
        protocols=PROTOCOLS, heartbeat=_PING_SECONDS, compress=False, max_msg_size=_MOST_BYTES
    )
    await socket.prepare(request)
    channels = Channels(socket, socket.ws_protocol or PROTOCOLS[0])
    queues = [pod_port.incoming() for _ in ports]
    forwards = [
        asyncio.create_task(_forward(channels, 2 * index, port, pid, pod, queue), name=f"port-forward {port}")
        for index, (port, queue) in enumerate(zip(ports, queues, strict=True))
    ]
    feed = asyncio.create_task(_from_client(channels, queues, forwards), name="port-forward-client")
    everything = asyncio.create_task(_all_of(forwards), name="port-forward-all")
    try:
        await asyncio.wait({everything, feed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        tasks = (*forwards, everything, feed)
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(end, Exception) and not isinstance(end, OSError):
                logger.error("A port-forward ended early", exc_info=end)
        await socket.close()
    return socket


async def _all_of(forwards: Sequence[asyncio.Task[None]]) -> None:
    await asyncio.wait(forwards)


async def _forward(
    channels: Channels, channel: int, port: int, pid: int, pod: str, incoming: pod_port.Incoming
) -> None:
    named = port.to_bytes(2, "little")
    await channels.send(channel, named)
    await channels.send(channel + 1, named)
    why = await pod_port.join(pid, port, incoming, lambda data: channels.send(channel, data))
    if why:
        text = f"error forwarding port {port} to pod {pod}: {why}"
        await channels.send(channel + 1, text.encode())


async def _from_client(
    channels: Channels, queues: Sequence[pod_port.Incoming], forwards: Sequence[asyncio.Task[None]]
) -> None:
    """Ends when the client has left."""
    async for channel, data in channels.received():
        index, is_error = divmod(channel, 2)
        if not is_error and 0 <= index < len(queues) and data:
            await pod_port.give(queues[index], data, forwards[index])
