"""Counts what quotas allow and use. Decisions are in `plan.py`.

Objects are listed live: a count from a cache that lags would take back what admission has just charged."""

from __future__ import annotations

import asyncio

from api import resources
from api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting, key_of, namespace_of, split_key
from client.informer import Handler
from controller.context import Context
from controller.discovery import discover
from controller.loop import Controller
from controller.resourcequota.plan import counted, frees, same, status

_KNOWN = {(item.group, item.plural): item for item in vars(resources).values() if isinstance(item, Resource)}
#: How soon what no event tells of (deleted config maps, secrets, ...) is given back.
_UNWATCHED_SECONDS = 30.0


class ResourceQuotaController(Controller):
    """Keys are "namespace/name" of quotas."""

    name = "resource_quota"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._period: float = context.options.resource_quota_sync_period
        self._quotas = self.watch(RESOURCE_QUOTAS)
        self._quotas.on_change(self._quota_changed)
        for resource in (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS):
            self.watch(resource).on_change(self._freeing(resource))

    def _quota_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and (old is None or old.get("spec") != new.get("spec")):
            self.enqueue(new)

    def _freeing(self, resource: Resource) -> Handler:
        def changed(old: Object | None, new: Object | None) -> None:
            if frees(resource, old, new):
                for quota in self._quotas.store.list(namespace_of(new or old or {})):
                    self.enqueue(quota)

        return changed

    async def run(self) -> None:
        """Work until cancelled, counting everything anew regularly."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recount(), name=f"{self.name}-recount")
            await super().run()

    async def _recount(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            for quota in self._quotas.store.list():
                self.enqueue(quota)

    async def sync(self, key: str) -> None:
        """Count for one quota; a conflict with a charge of admission's means counting again."""
        if self._quotas.store.get(key) is None:
            return
        namespace, name = split_key(key)
        # The controller's role may list everything, but get nothing.
        listed = await self.client.list(RESOURCE_QUOTAS, namespace, field_selector=f"metadata.name={name}")
        quota = next(iter(listed["items"]), None)
        if quota is None or is_deleting(quota):
            return
        wanted = counted((quota.get("spec") or {}).get("hard") or ())
        objects = {}
        for group, plural in wanted:
            resource = await self._resource(group, plural)
            if resource is not None:
                objects[group, plural] = (await self.client.list(resource, namespace))["items"]
        found = status(quota, objects)
        if not same(quota.get("status"), found):
            await self.client.update(RESOURCE_QUOTAS, {**quota, "status": found}, subresource="status")
        if wanted - {("", item.plural) for item in (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)}:
            self.queue.add_after(key_of(quota), min(_UNWATCHED_SECONDS, self._period))

    async def _resource(self, group: str, plural: str) -> Resource | None:
        known = _KNOWN.get((group, plural))
        if known is not None:
            return known
        served = await discover(self.client)
        names = ((item.resource.group, item.resource.plural, item.resource) for item in served.resources)
        return next((found for its_group, name, found in names if (its_group, name) == (group, plural)), None)
