"""The sockets: one aiohttp server for the secure and the insecure port, and its orderly end."""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from apiserver.http.server import ApiServer
from apiserver.http.watching import WatchStreams

_MAX_LINE_BYTES = 1 << 20
_KEEPALIVE_SECONDS = 180.0
_SHUTDOWN_SECONDS = 10.0
_BACKLOG = 1024
HEAD_SECONDS = 32.0  #: how long a new connection has for the head of its first request (as the reference)


class ListenError(Exception):
    """A port cannot be listened on; one line says which and why."""


class _PatientServer(web.Server):
    """Cuts connections that do not get as far as a request in time. aiohttp has no such limit of its own; for the heads
    of later requests on a connection its keep-alive limit is one."""

    def __init__(self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **options: Any) -> None:
        super().__init__(handler, request_factory=self._heard, **options)
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Begin to wait for a request."""
        super().connection_made(handler, transport)
        self._silent[handler] = asyncio.get_running_loop().call_later(HEAD_SECONDS, transport.abort)

    def connection_lost(self, handler: web.RequestHandler, exc: BaseException | None = None) -> None:
        """Wait no longer."""
        self._forget(handler)
        super().connection_lost(handler, exc)

    def _heard(
        self, message: Any, payload: Any, protocol: web.RequestHandler, writer: Any, task: asyncio.Task[None]
    ) -> web.BaseRequest:
        if protocol in self._silent:
            self._forget(protocol)
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop)

    def _forget(self, handler: web.RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()


def _server(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> web.ServerRunner:
    server = _PatientServer(
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

    def __init__(self, server: ApiServer, streams: WatchStreams, *, share_port: bool = False) -> None:
        """`share_port`: other processes may listen on the same ports."""
        self._share_port = share_port
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
        site = web.TCPSite(runner, address, port, ssl_context=context, backlog=_BACKLOG, reuse_port=self._share_port)
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
