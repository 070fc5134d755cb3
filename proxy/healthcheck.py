"""Health check node ports: whether a load balancer may send a service's traffic to this node (externalTrafficPolicy
Local). One small HTTP server per port."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import web

logger = logging.getLogger(__name__)


class HealthCheckPorts:
    """The servers, by port."""

    def __init__(self) -> None:
        self._answers: dict[int, tuple[str, int]] = {}
        self._servers: dict[int, web.AppRunner] = {}

    async def update(self, wanted: Mapping[int, tuple[str, int]]) -> None:
        """Serve exactly these ports: the service's "namespace/name" and its number of local endpoints. A port in use
        is logged and tried again with the next update."""
        for port in [port for port in self._servers if port not in wanted]:
            await self._servers.pop(port).cleanup()
        self._answers = dict(wanted)
        for port in wanted:
            if port not in self._servers:
                await self._serve(port)

    async def close(self) -> None:
        """Stop all."""
        await self.update({})

    async def _serve(self, port: int) -> None:
        application = web.Application()

        async def answer(_: web.Request) -> web.Response:
            return self._answer(port)

        application.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, None, port).start()
        except OSError as error:
            logger.error("Cannot serve a health check node port", extra={"port": port, "error": str(error)})
            await runner.cleanup()
            return
        self._servers[port] = runner

    def _answer(self, port: int) -> web.Response:
        key, endpoints = self._answers.get(port, ("", 0))
        namespace, _, name = key.partition("/")
        body = {
            "service": {"namespace": namespace, "name": name},
            "localEndpoints": endpoints,
            "serviceProxyHealthy": True,
        }
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(endpoints)}
        return web.json_response(body, status=200 if endpoints else 503, headers=headers)
