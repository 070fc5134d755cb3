"""Leader election on a coordination.k8s.io Lease (client-go tools/leaderelection).

Clocks of different machines are never compared: a lease is over when it has not changed for its length by our clock.
`client.leaselooks` says when those who wait look.

Never do two lead: the holder counts its deadline, which is shorter than the lease, from before it asked for the
renewal, and nobody can have seen that sooner."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.resources import LEASES
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, format_micro_time
from client import metrics
from client.leaselooks import Sight, next_look, sighted
from client.rest import RestClient

logger = logging.getLogger(__name__)
_JITTER = 1.2
#: Between two looks at the least, whatever the calculation says.
_BREATH_SECONDS = 0.01
_RELEASE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderElectionConfig:
    """Names and times; the real flags' defaults."""

    namespace: str = "kube-system"
    name: str
    identity: str
    lease_seconds: float = 15.0
    renew_deadline_seconds: float = 10.0
    retry_seconds: float = 2.0


class LostLease(Exception):
    """The lease could not be renewed in time; the process must end."""

    fatal = True  # one line in the log, no traceback


async def lead(client: RestClient, config: LeaderElectionConfig, work: Callable[[], Awaitable[None]]) -> None:
    """Wait for the lease, run `work` while holding it, release it when cancelled; raises `LostLease`."""
    elector = _Elector(client, config)
    leading = metrics.LEADING.labels(config.name)
    leading.set(0)
    await elector.acquire()
    leading.set(1)
    working = asyncio.ensure_future(_run(work))
    renewing = asyncio.create_task(elector.renew(), name=f"lease-{config.name}")
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        else:
            await renewing
    finally:
        for task in (working, renewing):
            task.cancel()
        await asyncio.gather(working, renewing, return_exceptions=True)
        leading.set(0)
        if not elector.lost:
            await elector.release()


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


class _Elector:
    """One candidate's view of the lease."""

    def __init__(self, client: RestClient, config: LeaderElectionConfig) -> None:
        self._client = client
        self._config = config
        self._observed: Object | None = None
        self._sight: Sight | None = None  #: of `_observed`
        self._looked_at = -math.inf  #: when the last look that had an answer was begun
        self._renewed_at = -math.inf  #: when the last renewal that succeeded was begun
        self._answered = False  #: whether the last try had an answer
        self.lost = False

    async def acquire(self) -> None:
        logger.info("Waiting for the lease", extra={"lease": self._config.name, "identity": self._config.identity})
        loop = asyncio.get_running_loop()
        leading = await self._try_until(loop.time() + self._longest_call())
        while not leading:
            await asyncio.sleep(self._pause())
            leading = await self._try_until(loop.time() + self._longest_call())
        logger.info("Became leader", extra={"lease": self._config.name, "identity": self._config.identity})

    def _pause(self) -> float:
        """Seconds until the next look; longer, and not all at once, where the server does not answer."""
        retry = self._config.retry_seconds
        if not self._answered or self._sight is None:
            return retry * random.uniform(1.0, 1.0 + _JITTER)
        now = asyncio.get_running_loop().time()
        return max(
            next_look(self._sight, now, lease_seconds=self._length(), retry_seconds=retry) - now, _BREATH_SECONDS
        )

    async def renew(self) -> None:
        """Renew until it no longer works within the deadline."""
        loop = asyncio.get_running_loop()
        while True:
            deadline = self._renewed_at + self._config.renew_deadline_seconds
            await asyncio.sleep(min(self._config.retry_seconds, max(deadline - loop.time(), 0.0)))
            if await self._try_until(min(deadline, loop.time() + self._longest_call())):
                continue
            if loop.time() >= deadline or self._held_by_other():
                self.lost = True
                raise LostLease(f"leaderelection lost: {self._config.namespace}/{self._config.name}")

    def _longest_call(self) -> float:
        """A server that died under a call never answers it: there must be time for another."""
        return self._config.renew_deadline_seconds / 2

    async def _try_until(self, deadline: float) -> bool:
        """One try, given up at the deadline; whether the lease is ours now."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(deadline):
                renewed = await self._try()
        except TimeoutError:
            self._answered = False
            return False
        if renewed:
            self._renewed_at = began
        return renewed

    async def release(self) -> None:
        """Let the others take over at once."""
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                while not await self._give_back():
                    pass
        except (ApiError, TimeoutError) as error:
            logger.info("Could not release the lease", extra={"lease": self._config.name, "error": error})

    async def _give_back(self) -> bool:
        """Whether it is given back now, or not ours. The server is asked what it has: a renewal that we cut short when
        we were stopped may have come through, or may just do so."""
        lease = await self._client.get(LEASES, self._config.namespace, self._config.name)
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") != self._config.identity:
            return True
        now = _now()
        spec = spec | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": now, "acquireTime": now}
        try:
            await self._client.update(LEASES, lease | {"spec": spec})
        except Conflict:
            return False
        return True

    async def _try(self) -> bool:
        """Take or renew the lease where that is allowed; whether it is ours now."""
        self._answered = False
        try:
            lease = await self._get_or_create()
            if lease is None:
                return True
            self._answered = True
            spec = lease["spec"]
            holder = spec.get("holderIdentity") or ""
            if holder and holder != self._config.identity and not self._expired():
                return False
            ours = holder == self._config.identity
            now = _now()
            changed = spec | {
                "holderIdentity": self._config.identity,
                "leaseDurationSeconds": int(self._config.lease_seconds),
                "renewTime": now,
                "acquireTime": spec.get("acquireTime") or now if ours else now,
                "leaseTransitions": (spec.get("leaseTransitions") or 0) + (0 if ours else 1),
            }
            self._observe(await self._client.update(LEASES, lease | {"spec": changed}))
        except ApiError as error:
            # A conflict says that somebody was faster: the next look is to see who.
            self._answered = isinstance(error, Conflict)
            logger.info("Cannot take or renew the lease", extra={"lease": self._config.name, "error": error.message})
            return False
        return True

    async def _get_or_create(self) -> Object | None:
        """The lease as it is, or None where we just made it."""
        began = asyncio.get_running_loop().time()
        try:
            lease = await self._client.get(LEASES, self._config.namespace, self._config.name)
        except NotFound:
            now = _now()
            lease = {
                "apiVersion": LEASES.api_version,
                "kind": LEASES.kind,
                "metadata": {"name": self._config.name, "namespace": self._config.namespace},
                "spec": {
                    "holderIdentity": self._config.identity,
                    "leaseDurationSeconds": int(self._config.lease_seconds),
                    "acquireTime": now,
                    "renewTime": now,
                    "leaseTransitions": 0,
                },
            }
            self._observe(await self._client.create(LEASES, lease))
            return None
        lease.setdefault("spec", {})
        before = self._observed
        if before is None or before["metadata"].get("resourceVersion") != lease["metadata"].get("resourceVersion"):
            self._observe(lease)
        self._looked_at = began
        return lease

    def _observe(self, lease: Object) -> None:
        self._observed = lease
        now = asyncio.get_running_loop().time()
        self._sight = sighted(self._sight, now, self._looked_at, self._config.retry_seconds)

    def _expired(self) -> bool:
        return self._sight is not None and asyncio.get_running_loop().time() >= self._sight.at + self._length()

    def _length(self) -> float:
        """Seconds that the holder has said it holds the lease for."""
        spec = (self._observed or {}).get("spec") or {}
        length: float = spec.get("leaseDurationSeconds") or self._config.lease_seconds
        return length

    def _held_by_other(self) -> bool:
        holder = (self._observed or {}).get("spec", {}).get("holderIdentity") or ""
        return bool(holder) and holder != self._config.identity


def _now() -> str:
    return format_micro_time(datetime.now(UTC))
