"""Questions for which others have the answer: asked once however many wait, kept for a while, and never too many."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random

from dns import metrics
from dns.cache import Kept, TtlCache
from dns.upstream.exchange import ExchangeError, exchange
from dns.upstream.plan import Policy, Upstream, UpstreamHealth, without_ourselves
from dns.wire.query import Query
from dns.wire.relay import Relayed
from dns.zone.records import REFUSED, SERVFAIL

logger = logging.getLogger(__name__)

#: An answer larger than this is handed on but not kept: it bounds the cache's memory.
_MAX_KEPT_BYTES = 4096


class NoAnswer(Exception):
    """Nobody answered; `rcode` is what the client is told."""

    def __init__(self, why: str, rcode: int) -> None:
        super().__init__(why)
        self.rcode = rcode


@dataclass(frozen=True, kw_only=True, slots=True)
class ForwardSettings:
    """How others are asked, and how much is kept."""

    policy: Policy = "random"
    timeout_seconds: float = 2.0  #: of one try
    total_seconds: float = 5.0  #: of all tries together
    max_concurrent: int = 1000
    cache_entries: int = 10_000
    max_ttl_seconds: int = 30
    own_addresses: Collection[str] = ()
    own_port: int = 53


class Forwarder:
    """Asks the configured servers. `cluster_addresses` gives the addresses that lead back to this cluster's DNS."""

    def __init__(
        self,
        settings: ForwardSettings,
        *,
        cluster_addresses: Callable[[], Collection[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self.settings = settings
        self._cluster_addresses = cluster_addresses
        self._clock = clock
        self._upstreams: tuple[Upstream, ...] = ()
        self._health = UpstreamHealth(settings.policy, random or Random())
        self._cache: TtlCache[object, Relayed] = TtlCache(settings.cache_entries)
        self._asking: dict[object, asyncio.Task[Relayed]] = {}
        metrics.CACHE_ENTRIES.set_function(lambda: len(self._cache))

    @property
    def upstreams(self) -> Sequence[Upstream]:
        """Who is asked: without those that lead back here."""
        own = self.settings.own_addresses
        return without_ourselves(self._upstreams, own, self.settings.own_port, self._cluster_addresses())

    def use(self, upstreams: Sequence[Upstream]) -> None:
        """Ask these from now on."""
        if tuple(upstreams) == self._upstreams:
            return
        self._upstreams = tuple(upstreams)
        self._health.keep_only(self._upstreams)
        named = ", ".join(map(str, self._upstreams)) or "nobody"
        logger.info("Other names are asked for at", extra={"upstreams": named})
        if len(self.upstreams) < len(self._upstreams):
            logger.warning("Left out servers that lead back here", extra={"upstreams": named})

    def kept(self, query: Query) -> Kept[Relayed] | None:
        """An answer from the cache."""
        found = self._cache.get(query.key, self._clock())
        if found is None:
            metrics.CACHE_MISSES.inc()
        else:
            metrics.cache_hit(denial=found.value.denial)
        return found

    async def ask(self, query: Query) -> Relayed:
        """The answer of one of the servers; raises `NoAnswer`. Equal questions at the same time are asked once, which
        also ends a loop: our own question that comes back waits for itself, and is given up in time."""
        key = query.key
        task = self._asking.get(key)
        if task is None:
            if len(self._asking) >= self.settings.max_concurrent:
                metrics.FORWARD_REJECTS.inc()
                raise NoAnswer("too many questions are under way", REFUSED)
            task = asyncio.create_task(self._ask(query), name="dns-forward")
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        # A client that goes away does not take the answer from the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, query: Query) -> Relayed:
        last: Relayed | None = None
        why = "no upstream server is configured"
        ends = self._clock() + self.settings.total_seconds
        order = self._health.order(self.upstreams, self._clock())
        if not order:
            raise NoAnswer(why, REFUSED)
        # A lone server is asked twice: one datagram may get lost.
        for upstream in order if len(order) > 1 else order * 2:
            left = ends - self._clock()
            if left <= 0:
                break
            try:
                answer = await self._try(upstream, query, min(left, self.settings.timeout_seconds))
            except ExchangeError as error:
                why = f"{upstream}: {error}"
                continue
            if answer.rcode not in (SERVFAIL, REFUSED):
                self._keep(query, answer)
                return answer
            last = answer
        if last is None:
            logger.info("Nobody answered", extra={"question": ".".join(query.labels), "error": why})
            raise NoAnswer(why, SERVFAIL)
        self._keep(query, last)
        return last

    async def _try(self, upstream: Upstream, query: Query, seconds: float) -> Relayed:
        started = self._clock()
        try:
            answer = await exchange(upstream, query, timeout_seconds=seconds)
        except ExchangeError:
            self._health.failed(upstream, self._clock())
            metrics.forwarded(str(upstream), None, self._clock() - started)
            raise
        self._health.answered(upstream)
        metrics.forwarded(str(upstream), answer.rcode, self._clock() - started)
        return answer

    def _keep(self, query: Query, answer: Relayed) -> None:
        if len(answer.body) <= _MAX_KEPT_BYTES and not answer.truncated:
            seconds = min(answer.keep_seconds, self.settings.max_ttl_seconds)
            self._cache.put(query.key, answer, self._clock(), seconds)
