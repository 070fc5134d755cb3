"""The proxy's own health, port 10256: what load balancers and their probes ask of a node.

/healthz says whether this node should get traffic: rules are current and the node is not about to go (KEP-3836);
/livez whether the process should be left alone: rules are current."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import Counter

from apimachinery.objects import Object, is_deleting
from component.process import FatalError
from proxy import metrics

logger = logging.getLogger(__name__)

TO_BE_DELETED_TAINT = "ToBeDeletedByClusterAutoscaler"


def is_eligible(node: Object) -> bool:
    """Whether load balancers may still send new traffic to the node: it is neither deleted nor marked for it."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return not is_deleting(node) and all(taint.get("key") != TO_BE_DELETED_TAINT for taint in taints)


class ProxyHealth:
    """`trouble` tells why rules are not current, None where they are; `last_updated` when they last were loaded (Unix
    seconds, 0: never). `eligible` is set by whoever follows the Node."""

    def __init__(self, trouble: Callable[[], str | None], last_updated: Callable[[], float]) -> None:
        self._trouble, self._last_updated = trouble, last_updated
        self._runner: web.AppRunner | None = None
        self.eligible = True

    async def serve(self, host: str, port: int) -> None:
        """Listen; raises FatalError with one line where the port is in use."""
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/livez", self._livez)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise FatalError(f"failed to listen on {host}:{port}: {error.strerror or error}") from error
        self._runner = runner

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _: web.Request) -> web.Response:
        return self._answer(metrics.HEALTHZ, {"nodeEligible": self.eligible}, well=self.eligible)

    async def _livez(self, _: web.Request) -> web.Response:
        return self._answer(metrics.LIVEZ, {}, well=True)

    def _answer(self, counter: Counter, more: dict[str, bool], *, well: bool) -> web.Response:
        trouble = self._trouble()
        healthy = well and trouble is None
        if trouble is not None:
            logger.info("Health check failed", extra={"reason": trouble})
        now = datetime.now(UTC)
        # A healthy proxy with nothing to load is as current as one that just loaded something.
        updated = now if healthy else datetime.fromtimestamp(self._last_updated(), UTC)
        status = 200 if healthy else 503
        counter.labels(str(status)).inc()
        body = {"lastUpdated": str(updated), "currentTime": str(now), **more}
        return web.json_response(body, status=status, headers={"X-Content-Type-Options": "nosniff"})
