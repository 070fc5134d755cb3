"""Keeps the condition Available of APIServices: by Service and endpoints, and by asking the servers themselves."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import aiohttp
from prometheus_client import Gauge

from api.resources import API_SERVICES, ENDPOINTS, SERVICES
from apimachinery.errors import ApiError
from apimachinery.objects import Object, name_of
from apiserver.aggregation import plan
from apiserver.aggregation.plan import Remote, Unroutable, Verdict
from apiserver.aggregation.transport import Transport, discovery_headers
from apiserver.interfaces import Loopback
from apiserver.storage.interface import StorageError
from apiserver.webhooks.reasons import reason_of
from component.counter import LightCounter
from component.merging import same_everywhere

logger = logging.getLogger(__name__)

_ATTEMPTS = 5  #: at once, since a Service may have bad endpoints beside good ones
_ASK_SECONDS = 5.0
_UNAVAILABLE = Gauge("aggregator_unavailable_apiservice", "APIServices that cannot be used now.", ("name",))
same_everywhere("aggregator_unavailable_apiservice")
_LOST = LightCounter(
    "aggregator_unavailable_apiservice_total", "How often an APIService became unusable, by why.", ("name", "reason")
)


class Availability:
    """Looks at all APIServices."""

    def __init__(self, loopback: Loopback, transport: Transport) -> None:
        self._loopback = loopback
        self._transport = transport
        self._known: set[str] = set()

    async def check(self) -> bool:
        """Bring every condition up to date; whether each remote server can be used."""
        objects = {name_of(obj): obj for obj in self._loopback.list(API_SERVICES)}
        for name in self._known - objects.keys():
            _UNAVAILABLE.remove(name)
        self._known &= objects.keys()
        remotes = {remote.api_service: remote for remote in plan.remotes(objects.values()).values()}
        verdicts = await asyncio.gather(*(self._verdict(remote) for remote in remotes.values()))
        found = dict(zip(remotes, verdicts, strict=True))
        for name, obj in objects.items():
            await self._tell(obj, found.get(name, plan.LOCAL))
        return all(verdict.status == "True" for verdict in verdicts)

    async def _verdict(self, remote: Remote) -> Verdict:
        service = self._loopback.get(SERVICES, remote.namespace, remote.service)
        endpoints = self._loopback.get(ENDPOINTS, remote.namespace, remote.service)
        known = plan.verdict(remote, service, endpoints)
        if known is not None:
            return known
        asking = [asyncio.create_task(self._ask(remote), name="apiservice-probe") for _ in range(_ATTEMPTS)]
        problem = ""
        try:
            for answered in asyncio.as_completed(asking):
                problem = await answered
                if not problem:
                    return plan.PASSED
        finally:
            for task in asking:
                task.cancel()
        return plan.failed_discovery(problem)

    async def _ask(self, remote: Remote) -> str:
        """What is wrong with the server; "": nothing."""
        try:
            url = self._transport.url(remote, remote.path)
        except Unroutable as error:
            return str(error)
        try:
            async with self._transport.session.get(
                url,
                headers=discovery_headers("application/json"),
                ssl=self._transport.unverified(),
                timeout=aiohttp.ClientTimeout(total=_ASK_SECONDS),
                allow_redirects=False,
            ) as answer:
                if 200 <= answer.status < 300:
                    return ""
                return f"failing or missing response from {url}: bad status from {url}: {answer.status}"
        except (aiohttp.ClientError, OSError) as error:
            return f'failing or missing response from {url}: Get "{url}": {reason_of(error)}'

    async def _tell(self, obj: Object, verdict: Verdict) -> None:
        name = name_of(obj)
        if obj["spec"].get("service") is not None:
            _UNAVAILABLE.labels(name).set(verdict.status != "True")
            self._known.add(name)
        wanted = plan.with_verdict(obj, verdict, datetime.now(UTC))
        if wanted is None:
            return
        try:
            await self._loopback.update(API_SERVICES, wanted, "status")
        except (ApiError, StorageError) as error:
            # Another server was faster, or it has changed meanwhile: its change is looked at anyway.
            logger.debug("Condition not written", extra={"apiservice": name, "error": str(error)})
            return
        if verdict.status != "True":
            _LOST.labels(name, verdict.reason).inc()
        logger.info(
            "Availability of an aggregated API", extra={"apiservice": name, "available": verdict.status,
                                                         "reason": verdict.reason, "message_": verdict.message},
        )  # fmt: skip
