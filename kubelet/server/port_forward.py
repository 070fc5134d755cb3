"""port-forward over SPDY: for each connection of the client a data and an error stream, joined to a port of the pod.

The port is reached on the pod's own loopback, from within its network namespace, as the real kubelet does it."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import socket
import threading
from dataclasses import dataclass, field

from aiohttp import web

from kubelet.handlers import connect_error
from kubelet.server.spdy import Data, Event, GoAway, SpdyError, StreamOpened, StreamReset
from kubelet.server.spdy_command import Client

logger = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
_CONNECT_SECONDS = 10.0
_CHUNK_BYTES = 32 << 10
_MOST_CONNECTIONS = 100
_CLONE_NEWNET = 0x40000000


@dataclass(slots=True)
class _Pair:
    """The two streams of one connection of the client."""

    port: int = 0
    error: int = 0
    data: int = 0
    incoming: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(64))
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
            if pair is not None and event.stream == pair.data and pair.task is not None and not pair.task.done():
                if event.data:
                    await pair.incoming.put(event.data)
                if event.ended:
                    await pair.incoming.put(None)
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
        message = b""
        try:
            await self._join(pair)
        except (OSError, TimeoutError) as error:
            why = connect_error(error) if isinstance(error, OSError) and error.errno else "timed out"
            text = f"error forwarding port {pair.port} to pod: failed to connect to localhost:{pair.port}: {why}"
            message = text.encode()
        finally:
            self._pairs.pop(request, None)
            for stream in (pair.error, pair.data):
                self._by_stream.pop(stream, None)
        ends = connection.data(pair.data, b"", ended=True) + connection.data(pair.error, message, ended=True)
        await self._client.send(ends)

    async def _join(self, pair: _Pair) -> None:
        loop = asyncio.get_running_loop()
        found = await asyncio.to_thread(socket_in_namespace, self._pid)
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.sock_connect(found, ("127.0.0.1", pair.port))
        except BaseException:
            found.close()
            raise
        reader, writer = await asyncio.open_connection(sock=found)
        send = asyncio.create_task(_feed(pair.incoming, writer), name="port-forward-in")
        try:
            while data := await reader.read(_CHUNK_BYTES):
                await self._client.send(self._client.connection.data(pair.data, data))
        finally:
            send.cancel()
            writer.close()


async def _feed(incoming: asyncio.Queue[bytes | None], writer: asyncio.StreamWriter) -> None:
    while (data := await incoming.get()) is not None:
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def socket_in_namespace(pid: int) -> socket.socket:
    """A TCP socket in the network namespace of the process; 0: in our own. Raises OSError. Blocks briefly."""
    if not pid:
        return _new_socket()
    result: list[socket.socket | OSError] = []

    def make() -> None:
        # This thread ends in the other namespace: it is never used for anything else.
        try:
            descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "cannot enter the pod's network namespace")
            finally:
                os.close(descriptor)
            result.append(_new_socket())
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=make, name="port-forward-socket")
    thread.start()
    thread.join()
    found = result[0]
    if isinstance(found, OSError):
        raise found
    return found


def _new_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


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
