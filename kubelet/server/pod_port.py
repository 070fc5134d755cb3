"""One connection of a client of port-forward, joined to a port of a pod.

The port is reached on the pod's own loopback, from within its network namespace, as the real kubelet does it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import threading
from collections.abc import Awaitable, Callable

from kubelet.handlers import connect_error

#: What the client sends on one connection, None at its end; bounded, so that a slow pod slows its client down.
Incoming = asyncio.Queue[bytes | None]

_CONNECT_SECONDS = 10.0
_CHUNK_BYTES = 32 << 10
_QUEUED = 64
_CLONE_NEWNET = 0x40000000


def incoming() -> Incoming:
    """An empty queue."""
    return asyncio.Queue(_QUEUED)


async def give(incoming: Incoming, data: bytes | None, reader: asyncio.Task[None]) -> None:
    """Put it where `reader` finds it, unless that ends while there is no room."""
    put = asyncio.ensure_future(incoming.put(data))
    try:
        await asyncio.wait({put, reader}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        put.cancel()


async def join(pid: int, port: int, incoming: Incoming, send: Callable[[bytes], Awaitable[None]]) -> str:
    """Carry everything in both directions until the pod has ended the connection: why that failed, "" if it did not.

    `pid`: a process in the pod's network namespace, 0 for this node's own."""
    try:
        await _join(pid, port, incoming, send)
    except (OSError, TimeoutError) as error:
        why = connect_error(error) if isinstance(error, OSError) and error.errno else "timed out"
        return f"failed to connect to localhost:{port}: {why}"
    return ""


async def _join(pid: int, port: int, incoming: Incoming, send: Callable[[bytes], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    found = await asyncio.to_thread(socket_in_namespace, pid)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await loop.sock_connect(found, ("127.0.0.1", port))
    except BaseException:
        found.close()
        raise
    reader, writer = await asyncio.open_connection(sock=found)
    feed = asyncio.create_task(_feed(incoming, writer), name="port-forward-in")
    try:
        while data := await reader.read(_CHUNK_BYTES):
            await send(data)
    finally:
        feed.cancel()
        writer.close()


async def _feed(incoming: Incoming, writer: asyncio.StreamWriter) -> None:
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
