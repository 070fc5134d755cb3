"""One address for several servers: a TCP load balancer that gives each connection to a server that takes it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from types import TracebackType


class Balancer:
    """Listens on a port of 127.0.0.1 and forwards to those `ports`, in turn; an async context manager."""

    def __init__(self, *ports: int) -> None:
        self._ports = ports
        self._turns = count()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Balancer:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(self._turns)
        for offset in range(len(self._ports)):
            try:
                far = await asyncio.open_connection("127.0.0.1", self._ports[(first + offset) % len(self._ports)])
            except OSError:
                continue
            await asyncio.gather(_pump(reader, far[1]), _pump(far[0], writer))
            return
        writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
