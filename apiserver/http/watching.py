"""Watches on the wire: chunks of JSON lines or WebSocket frames, ended by the watcher, by the client or by the server's
shutdown."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import Gauge

from apiserver.http import metrics, websockets, websocketwatch
from apiserver.http.call import Call
from apiserver.http.eventtally import EventTally
from apiserver.http.negotiate import JSON
from apiserver.http.reply import warning_headers
from apiserver.http.watchevents import to_the_end
from apiserver.watchcache.watcher import Watcher


class WatchStreams:
    """All running watches of the server."""

    def __init__(self) -> None:
        self._running: set[Watcher] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._running)

    async def serve(self, call: Call, watcher: Watcher, kind: str) -> web.StreamResponse:
        """Send events until the end; a history that is lost is told as an ERROR event."""
        self._running.add(watcher)
        gauge = _gauge(call)
        gauge.inc()
        try:
            if call.permit is not None:
                call.permit.release()  # from here on it only waits
            if self._closing:
                watcher.close()
            if websockets.is_websocket(call.request):
                return await websocketwatch.serve(call, watcher, EventTally(call.info, kind))
            return await self._chunked(call, watcher, kind)
        finally:
            gauge.dec()
            self._running.discard(watcher)
            watcher.close()

    async def _chunked(self, call: Call, watcher: Watcher, kind: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": JSON})
        response.headers.update(call.headers())
        for warning in warning_headers(call.warnings):
            response.headers.add("Warning", warning)
        response.enable_chunked_encoding()
        await response.prepare(call.request)
        if call.trail is not None:
            await call.trail.started(response.status)
        tally = EventTally(call.info, kind)
        async for data in to_the_end(watcher):
            tally.add(data)
            await response.write(data)
        await response.write_eof()
        return response

    def close(self) -> None:
        """End every watch; their clients connect again, elsewhere or later."""
        self._closing = True
        for watcher in tuple(self._running):
            watcher.close()


def _gauge(call: Call) -> Gauge:
    info = call.info
    scope = metrics.scope_of(info.namespace, info.name)
    labels = ("WATCH", info.group, info.version, info.resource, info.subresource, scope, "apiserver")
    child: Gauge = metrics.LONG_RUNNING.labels(*labels)
    return child
