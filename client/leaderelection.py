"""Leader election on a coordination.k8s.io Lease (client-go tools/leaderelection).

Clocks of different machines are never compared: a lease is over when it has not changed for its length by our clock."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.resources import LEASES
from apimachinery.errors import ApiError, NotFound
from apimachinery.objects import Object, format_micro_time
from client import metrics
from client.rest import RestClient

logger = logging.getLogger(__name__)
_JITTER = 1.2
#: Those who wait look so much more often than they may try: what is over is taken at once.
_LOOKS_PER_TRY = 4
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
        self._observed_at = 0.0
        self._answered = False  #: whether the last try had an answer
        self.lost = False

    async def acquire(self) -> None:
        logger.info("Waiting for the lease", extra={"lease": self._config.name, "identity": self._config.identity})
        leading = await self._try()
        while not leading:
            await asyncio.sleep(self._pause())
            leading = await self._try()
        logger.info("Became leader", extra={"lease": self._config.name, "identity": self._config.identity})

    def _pause(self) -> float:
        """Seconds until the next look: soon after a refusal by the holder, later where the server does not answer."""
        if not self._answered:
            return self._config.retry_seconds * random.uniform(1.0, 1.0 + _JITTER)
        over_in = self._observed_at + self._length() - asyncio.get_running_loop().time()
        return min(self._config.retry_seconds / _LOOKS_PER_TRY, max(over_in, 0.01))

    async def renew(self) -> None:
        """Renew until it no longer works within the deadline."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(self._config.retry_seconds)
            deadline = last + self._config.renew_deadline_seconds
            renewed = False
            with contextlib.suppress(TimeoutError):
                # A server that died under the call never answers it: there must be time for another.
                async with asyncio.timeout_at(min(deadline, loop.time() + self._config.renew_deadline_seconds / 2)):
                    renewed = await self._try()
            if renewed:
                last = loop.time()
            elif loop.time() >= deadline or self._held_by_other():
                self.lost = True
                raise LostLease(f"leaderelection lost: {self._config.namespace}/{self._config.name}")

    async def release(self) -> None:
        """Let the others take over at once."""
        lease = self._observed
        if lease is None or lease["spec"].get("holderIdentity") != self._config.identity:
            return
        now = _now()
        spec = lease["spec"] | {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": now, "acquireTime": now}
        try:
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._client.update(LEASES, lease | {"spec": spec})
        except (ApiError, TimeoutError) as error:
            logger.info("Could not release the lease", extra={"lease": self._config.name, "error": error})

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
            self._answered = False
            logger.info("Cannot take or renew the lease", extra={"lease": self._config.name, "error": error.message})
            return False
        return True

    async def _get_or_create(self) -> Object | None:
        """The lease as it is, or None where we just made it."""
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
        return lease

    def _observe(self, lease: Object) -> None:
        self._observed = lease
        self._observed_at = asyncio.get_running_loop().time()

    def _expired(self) -> bool:
        return asyncio.get_running_loop().time() >= self._observed_at + self._length()

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
