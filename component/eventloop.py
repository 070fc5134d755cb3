"""The event loop of every daemon: uvloop's, but for one thing that it does wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import uvloop


class EventLoop(uvloop.Loop):
    """uvloop, where a connection that is reset while it is made closes its socket once.

    libuv takes over the descriptor of a socket that `create_connection` is given, and closes it. If the other side's
    reset is seen while TLS begins (a server that was just killed), that is before uvloop has noted the Python socket:
    this closes the same number again when it is collected, and by then it may be another connection's.
    (https://github.com/MagicStack/uvloop/issues/738 is the same for connections that are cancelled.)"""

    async def create_connection(  # type: ignore[override]  # the overloads come to this
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        *,
        sock: socket.socket | None = None,
        **options: Any,
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """See `asyncio.loop.create_connection`."""
        connect: Any = super().create_connection
        try:
            made: tuple[asyncio.Transport, asyncio.BaseProtocol]
            made = await connect(protocol_factory, host, port, sock=sock, **options)
        except (ValueError, TypeError):  # of arguments: nothing was taken over; of a certificate: the socket was noted
            raise
        except BaseException:
            if sock is not None:
                sock.detach()
            raise
        if sock is not None and made[0].is_closing():
            sock.detach()
        return made
