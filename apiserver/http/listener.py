"""The sockets: one aiohttp server for the secure and the insecure port, and its orderly end."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Awaitable, Callable

from aiohttp import web

from apiserver.http.server import ApiServer
from apiserver.http.watching import WatchStreams

_MAX_LINE_BYTES = 1 << 20
_KEEPALIVE_SECONDS = 180.0
_SHUTDOWN_SECONDS = 10.0
_BACKLOG = 1024


class ListenError(Exception):
    """A port cannot be listened on; one line says which and why."""


def _server(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> web.ServerRunner:
    server = web.Server(
        handler,
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=_KEEPALIVE_SECONDS,
        max_line_size=_MAX_LINE_BYTES,
        max_field_size=_MAX_LINE_BYTES,
    )
    return web.ServerRunner(server, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)


class Listener:
    """Listens until closed."""

    def __init__(self, server: ApiServer, streams: WatchStreams) -> None:
        self._streams = streams
        self._server = server
        self._runners: list[web.ServerRunner] = []

    async def start(self, address: str, port: int, context: ssl.SSLContext) -> None:
        """Listen on the secure port; raises ListenError."""
        await self._listen(self._server.handle, address, port, context)

    async def start_insecure(self, address: str, port: int) -> None:
        """Listen on the insecure port, where everyone is a cluster administrator; raises ListenError."""
        await self._listen(self._server.handle_insecure, address, port, None)

    async def _listen(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        address: str,
        port: int,
        context: ssl.SSLContext | None,
    ) -> None:
        runner = _server(handler)
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, address, port, ssl_context=context, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as error:
            why = "address already in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
            raise ListenError(f"failed to listen on {address}:{port}: {why}") from error

    async def close(self) -> None:
        """Take no more connections, end watches, wait for requests under way."""
        for runner in self._runners:
            for site in tuple(runner.sites):
                await site.stop()
        self._streams.close()
        await self._server.drain()
        for runner in self._runners:
            await runner.cleanup()
