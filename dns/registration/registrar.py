"""Keeps this replica among the Service's endpoints, and takes dead ones out: the shell around `plan`.

Level-triggered: every few seconds, and at once when its slice was changed by someone, everything is compared and
mended. A killed process leaves its slice behind; it finds it again at its next start, or another replica removes it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime

from api.resources import ENDPOINT_SLICES, LEASES
from apimachinery.errors import ApiError, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, format_micro_time, labels_of, name_of, namespace_of
from client.informer import Informer
from client.rest import RestClient
from dns.registration.plan import (
    MANAGED_BY_LABEL,
    MANAGER,
    Observations,
    Replica,
    merged,
    replica_names,
    wanted_lease,
    wanted_slice,
)
from dns.zone.model import service_key

logger = logging.getLogger(__name__)

_RENEW_SECONDS = 5.0
_CALL_SECONDS = 4.0
_WITHDRAW_SECONDS = 5.0


class Registrar:
    """One replica's slice and Lease. The informers are of the replica's namespaces, or of all."""

    def __init__(self, client: RestClient, replica: Replica, *, slices: Informer, leases: Informer) -> None:
        self._client = client
        self._replica = replica
        self._slices, self._leases = slices, leases
        self._places = ((ENDPOINT_SLICES, replica.namespace), (LEASES, replica.lease_namespace))
        self._observed = Observations()
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._withdrawn = False
        slices.on_change(self._slice_changed)

    async def run(self) -> None:
        """Register and stay registered until cancelled."""
        await self._slices.wait_synced()
        await self._leases.wait_synced()
        while not self._withdrawn:
            self._wake.clear()
            async with self._writing:
                if not self._withdrawn:
                    await self._attempt()
            with suppress(TimeoutError):
                async with asyncio.timeout(_RENEW_SECONDS):
                    await self._wake.wait()

    async def withdraw(self) -> None:
        """Be an endpoint no more: the orderly stop. Gives up after a while, as the others notice anyhow."""
        self._withdrawn = True
        self._wake.set()
        try:
            async with asyncio.timeout(_WITHDRAW_SECONDS), self._writing:
                for resource, namespace in self._places:
                    with suppress(NotFound):
                        await self._client.delete(resource, namespace, self._replica.name)
            logger.info("Withdrew from the Service's endpoints", extra={"endpoint": self._replica.name})
        except (ApiError, TimeoutError) as error:
            logger.warning("Could not withdraw from the Service's endpoints", extra={"error": str(error)})

    @property
    def others(self) -> int:
        """How many other replicas there are to take over."""
        own = self._replica.name
        return sum(name_of(found) != own for found in self._slices_of_service())

    async def _attempt(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                # The Lease first: whoever sees the slice finds a Lease that lives.
                await self._write(LEASES, wanted_lease(self._replica, format_micro_time(datetime.now(UTC))))
                self._observed.renewed(loop.time())
                await self._publish()
        except (ApiError, TimeoutError) as error:
            self._observed.failed()
            logger.warning("Cannot register as an endpoint", extra={"error": str(error) or "no answer in time"})
            return
        await self._remove_dead(loop.time())

    async def _publish(self) -> None:
        known = self._slices.store.get(f"{self._replica.namespace}/{self._replica.name}")
        if known is None or merged(known, wanted_slice(self._replica)) is not None:
            await self._write(ENDPOINT_SLICES, wanted_slice(self._replica))
            logger.info("Registered as an endpoint", extra={"endpoint": self._replica.name})

    async def _write(self, resource: Resource, wanted: Object) -> None:
        """Make our object of this resource say what is wanted."""
        try:
            current = await self._client.get(resource, namespace_of(wanted), name_of(wanted))
        except NotFound:
            await self._client.create(resource, wanted)
            return
        changed = merged(current, wanted)
        if changed is not None:
            await self._client.update(resource, changed)

    async def _remove_dead(self, now: float) -> None:
        slices = {name_of(found): found for found in self._slices_of_service()}
        leases = {name_of(found): found for found in self._leases.store.list(self._replica.lease_namespace)}
        names = replica_names(slices.values(), leases.values(), self._replica.name)
        for name in self._observed.dead(names, leases, now):
            logger.info("Removing an endpoint that no longer answers", extra={"endpoint": name})
            for resource, found in ((ENDPOINT_SLICES, slices.get(name)), (LEASES, leases.get(name))):
                if found is not None and not await self._delete(resource, found):
                    break

    async def _delete(self, resource: Resource, found: Object) -> bool:
        """Delete exactly what was seen: one that came back to life is left alone."""
        version = found["metadata"].get("resourceVersion", "")
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await self._client.delete(resource, namespace_of(found), name_of(found), resource_version=version)
        except NotFound:
            return True
        except (ApiError, TimeoutError) as error:
            logger.info("Could not remove an endpoint", extra={"endpoint": name_of(found), "error": str(error)})
            return False
        return True

    def _slices_of_service(self) -> list[Object]:
        key = f"{self._replica.namespace}/{self._replica.service}"
        return [
            found
            for found in self._slices.store.list(self._replica.namespace)
            if service_key(found) == key and labels_of(found).get(MANAGED_BY_LABEL) == MANAGER
        ]

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        found = new or old
        if found is None or name_of(found) != self._replica.name:
            return
        if new is None or merged(new, wanted_slice(self._replica)) is not None:
            self._wake.set()
