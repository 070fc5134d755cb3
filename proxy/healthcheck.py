"""Health check node ports: whether a load balancer may send a service's traffic to this node (externalTrafficPolicy
Local). One small HTTP server per port."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

logger = logging.getLogger(__name__)

#: Told of a port that cannot be served: the service's "namespace/name", the port, and why.
FailureHandler = Callable[[str, int, str], None]


class HealthCheckPorts:
    """The servers, by port, on all addresses of one family or on those given. `rules_current` says whether the proxy
    itself is well: a node with stale rules should get no traffic either."""

    def __init__(
        self,
        *,
        ipv6: bool = False,
        rules_current: Callable[[], bool] = lambda: True,
        failed: FailureHandler = lambda key, port, error: None,
    ) -> None:
        self._everywhere = "::" if ipv6 else "0.0.0.0"
        self._rules_current, self._failed = rules_current, failed
        self._answers: dict[int, tuple[str, int]] = {}
        self._servers: dict[int, web.AppRunner] = {}
        self._hosts: list[str] = [self._everywhere]
        self._told: set[int] = set()

    async def update(self, wanted: Mapping[int, tuple[str, int]], addresses: Sequence[str] | None = None) -> None:
        """Serve exactly these ports: the service's "namespace/name" and its number of local endpoints, on these
        addresses (None: on all). A port in use is told once and tried again with each update."""
        hosts = [self._everywhere] if addresses is None else list(addresses)
        moved, self._hosts = hosts != self._hosts, hosts
        for port in [port for port in self._servers if moved or port not in wanted]:
            await self._servers.pop(port).cleanup()
        self._told &= wanted.keys()
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
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            for host in self._hosts:
                await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            if port not in self._told:
                self._told.add(port)
                logger.error("Cannot serve a health check node port", extra={"port": port, "error": str(error)})
                self._failed(self._answers[port][0], port, error.strerror or str(error))
            return
        self._told.discard(port)
        self._servers[port] = runner

    def _answer(self, port: int) -> web.Response:
        key, endpoints = self._answers.get(port, ("", 0))
        namespace, _, name = key.partition("/")
        current = self._rules_current()
        body = {
            "service": {"namespace": namespace, "name": name},
            "localEndpoints": endpoints,
            "serviceProxyHealthy": current,
        }
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(endpoints)}
        return web.json_response(body, status=200 if endpoints and current else 503, headers=headers)
