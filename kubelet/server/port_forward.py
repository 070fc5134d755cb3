"""port-forward over SPDY: for each connection of the client a data and an error stream, joined to a port of the pod."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from aiohttp import web

from kubelet.server import pod_port
from kubelet.server.spdy import Data, Event, GoAway, SpdyError, StreamOpened, StreamReset
from kubelet.server.spdy_command import Client

logger = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
_MOST_CONNECTIONS = 100


@dataclass(slots=True)
class _Pair:
    """The two streams of one connection of the client."""

    port: int = 0
    error: int = 0
    data: int = 0
    incoming: pod_port.Incoming = field(default_factory=pod_port.incoming)
    task: asyncio.Task[None] | None = None


class PortForward:
    """One upgraded request: many connections to ports of one pod, whose sandbox's process is `pid` (0: this node's
    own network)."""

    def __init__(self, client: Client, pid: int) -> None:
        self._client = client
        self._pid = pid
        self._pairs: dict[str, _Pair] = {}
        self._by_stream: dict[int, _Pair] = {}

    async def run(self) -> None:
        """Until the client has left; raises SpdyError."""
        try:
            while events := await self._client.events():
                for event in events:
                    if isinstance(event, GoAway):
                        return
                    await self._take(event)
        finally:
            tasks = [pair.task for pair in self._pairs.values() if pair.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, event: Event) -> None:
        if isinstance(event, StreamOpened):
            await self._open(event)
        elif isinstance(event, Data):
            pair = self._by_stream.get(event.stream)
            if pair is not None and event.stream == pair.data and pair.task is not None:
                if event.data:
                    await pod_port.give(pair.incoming, event.data, pair.task)
                if event.ended:
                    await pod_port.give(pair.incoming, None, pair.task)
        elif isinstance(event, StreamReset):
            pair = self._by_stream.get(event.stream)
            if pair is not None and pair.task is not None:
                pair.task.cancel()

    async def _open(self, event: StreamOpened) -> None:
        request = event.headers.get("requestid") or str(event.stream)
        if request not in self._pairs and len(self._pairs) >= _MOST_CONNECTIONS:
            raise SpdyError("too many connections at once")
        pair = self._pairs.setdefault(request, _Pair())
        port = event.headers.get("port", "")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise SpdyError(f'"port" header is no port: {port!r}')
        pair.port = int(port)
        if event.headers.get("streamtype") == "error":
            pair.error = event.stream
        else:
            pair.data = event.stream
        self._by_stream[event.stream] = pair
        await self._client.send(self._client.connection.reply(event.stream))
        if pair.error and pair.data and pair.task is None:
            pair.task = asyncio.create_task(self._forward(request, pair), name=f"port-forward {pair.port}")

    async def _forward(self, request: str, pair: _Pair) -> None:
        connection = self._client.connection

        async def send(data: bytes) -> None:
            await self._client.send(connection.data(pair.data, data))

        try:
            why = await pod_port.join(self._pid, pair.port, pair.incoming, send)
        finally:
            self._pairs.pop(request, None)
            for stream in (pair.error, pair.data):
                self._by_stream.pop(stream, None)
        message = f"error forwarding port {pair.port} to pod: {why}".encode() if why else b""
        ends = connection.data(pair.data, b"", ended=True) + connection.data(pair.error, message, ended=True)
        await self._client.send(ends)


async def serve(request: web.Request, pid: int) -> web.StreamResponse:
    """Carry an upgraded request; raises CancelledError at the end, as the connection is used up."""
    offered = ",".join(request.headers.getall("X-Stream-Protocol-Version", []))
    if PROTOCOL not in [name.strip() for name in offered.split(",")]:
        raise web.HTTPForbidden(text=f"unable to upgrade: the stream protocol spoken is {PROTOCOL}")
    client = Client(request)
    client.accept(PROTOCOL)
    try:
        await PortForward(client, pid).run()
    except (SpdyError, OSError) as error:
        logger.info("A port-forward ended early", extra={"path": request.path, "error": str(error)})
    finally:
        await client.leave()
    raise asyncio.CancelledError
