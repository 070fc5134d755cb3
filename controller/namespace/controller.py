"""Empties namespaces that are being deleted, and then lets them go (pkg/controller/namespace/deletion).

What a pass found becomes conditions in `plan.py`."""

from __future__ import annotations

import asyncio

import orjson

from api.resources import NAMESPACES
from apimachinery.errors import ApiError, NotFound, from_status
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting
from controller.context import Context
from controller.discovery import discover
from controller.loop import Controller
from controller.namespace.plan import FINALIZER, Remains, conditions, finalized, pause_seconds

_PARALLEL = 8


class NamespaceController(Controller):
    """Keys are names of namespaces."""

    name = "namespace"

    def __init__(self, context: Context, *, workers: int = 10) -> None:
        super().__init__(context, workers=workers)
        self._namespaces = self.watch(NAMESPACES)
        self._namespaces.on_change(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_deleting(new):
            self.enqueue(new)

    async def sync(self, key: str) -> None:
        """One pass over the content of a namespace that is being deleted; queued again until nothing is left."""
        try:
            namespace = await self.client.get(NAMESPACES, "", key)
        except NotFound:
            return
        if not is_deleting(namespace) or FINALIZER not in (namespace.get("spec") or {}).get("finalizers", ()):
            return
        remains, grace = await self._empty(key)
        namespace = await self._tell(namespace, remains)
        if not remains.empty:
            self.queue.add_after(key, pause_seconds(remains, grace))
            return
        try:
            await self.client.update(NAMESPACES, finalized(namespace), subresource="finalize")
        except NotFound:
            return  # it is gone already

    async def _tell(self, namespace: Object, remains: Remains) -> Object:
        status = dict(namespace.get("status") or {})
        old = status.get("conditions") or []
        status["conditions"] = conditions(old, remains, self.context.clock())
        if remains.empty and not old:
            return namespace  # it goes in the same breath: nobody would read the conditions
        if status["conditions"] == old:
            return namespace
        return await self.client.update(NAMESPACES, {**namespace, "status": status}, subresource="status")

    async def _empty(self, namespace: str) -> tuple[Remains, float]:
        """Ask for the deletion of everything; what is there still, and the longest grace period among the pods."""
        found = await discover(self.client)
        remains = Remains(discovery_failures=list(found.failures))
        kinds = [r for r in found.resources if r.resource.namespaced and {"list", "delete"} <= r.verbs]
        limit = asyncio.Semaphore(_PARALLEL)
        longest = 0.0

        async def empty_one(resource: Resource, at_once: bool) -> None:
            nonlocal longest
            async with limit:
                try:
                    longest = max(longest, await self._empty_kind(resource, namespace, at_once, remains))
                except ApiError as error:
                    remains.failures.append(f"{resource.group_resource}: {error.message}")

        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                group.create_task(
                    empty_one(kind.resource, "deletecollection" in kind.verbs),
                    name=f"namespace-{namespace}-{kind.resource.plural}",
                )
        return remains, longest

    async def _empty_kind(self, resource: Resource, namespace: str, at_once: bool, remains: Remains) -> float:
        if at_once:
            body = orjson.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})
            headers = {"Content-Type": "application/json"}
            status, answer = await self.client.raw("DELETE", resource.path(namespace), body=body, headers=headers)
            if status not in (200, 202, 404, 405):
                raise from_status(orjson.loads(answer) if answer[:1] == b"{" else {}, status)
        left = (await self.client.list(resource, namespace)).get("items") or []
        if not at_once:
            for obj in left:
                await self.client.delete(resource, namespace, obj["metadata"]["name"])
            left = (await self.client.list(resource, namespace)).get("items") or []
        if left:
            remains.counts[resource.group_resource] = len(left)
        for obj in left:
            for finalizer in obj["metadata"].get("finalizers") or ():
                remains.finalizers[finalizer] = remains.finalizers.get(finalizer, 0) + 1
        return max((obj["metadata"].get("deletionGracePeriodSeconds") or 0 for obj in left), default=0)
