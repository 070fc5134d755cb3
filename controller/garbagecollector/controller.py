"""Deletes what has lost its owners, lets go what is to be orphaned, ends foreground deletions.

`graph.py` remembers who owns whom, `plan.py` decides; this follows every kind that is served (metadata only), and
writes. Nothing is deleted because of what the graph says alone: the object and its owners are read live first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from apimachinery.errors import ApiError, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, uid_of
from client.informer import Informer
from controller.context import Context
from controller.discovery import discover
from controller.garbagecollector.graph import FOREGROUND, ORPHAN, Graph, Node
from controller.garbagecollector.plan import Delete, DropOwners, OwnerState, decide
from controller.loop import Controller

logger = logging.getLogger(__name__)
_REDISCOVER_SECONDS = 30.0
_MAX_ABSENT = 10_000
_NEEDED = {"list", "watch", "delete"}
#: Objects of these have no owners worth following, and there are many (--the reference's ignored resources).
_IGNORED = {("", "events"), ("events.k8s.io", "events")}


class GarbageCollector(Controller):
    """Keys are uids of objects in the graph."""

    name = "garbage_collector"

    def __init__(self, context: Context, *, workers: int = 20) -> None:
        super().__init__(context, workers=workers)
        self._graph = Graph()
        self._kinds: dict[tuple[str, str], Resource] = {}  # (group, kind)
        self._followed: dict[Resource, tuple[Informer, asyncio.Task[None]]] = {}
        self._absent: dict[str, None] = {}  # owners known to be gone, the oldest first: a uid never comes back

    async def run(self) -> None:
        """Follow all kinds, then collect, until cancelled."""
        async with asyncio.TaskGroup() as group:
            await self._rediscover(group)
            for informer, _ in list(self._followed.values()):
                await informer.wait_synced()
            group.create_task(self._keep_discovering(group), name="garbage_collector-discovery")
            await super().run()

    # Following

    async def _keep_discovering(self, group: asyncio.TaskGroup) -> None:
        while True:
            await asyncio.sleep(_REDISCOVER_SECONDS)
            await self._rediscover(group)

    async def _rediscover(self, group: asyncio.TaskGroup) -> None:
        """Follow what is newly served and stop following what no longer is; a failing group is left as it was."""
        try:
            found = await discover(self.client)
        except ApiError as error:
            logger.warning("Cannot discover kinds", extra={"error": error.message})
            return
        self._kinds = {(r.resource.group, r.resource.kind): r.resource for r in found.resources}
        wanted = {
            r.resource
            for r in found.resources
            if r.verbs >= _NEEDED and (r.resource.group, r.resource.plural) not in _IGNORED
        }
        for resource in wanted - self._followed.keys():
            informer = Informer(self.client, resource, metadata_only=True)
            informer.on_change(self._handler(resource))
            task = group.create_task(informer.run(), name=f"garbage_collector-{resource.group_resource}")
            self._followed[resource] = (informer, task)
        if not found.failures:
            for resource in self._followed.keys() - wanted:
                self._followed.pop(resource)[1].cancel()

    def _handler(self, resource: Resource) -> Callable[[Object | None, Object | None], None]:
        def changed(old: Object | None, new: Object | None) -> None:
            wake: list[str] = []
            if old is not None and (new is None or uid_of(new) != uid_of(old)):
                wake += self._gone(uid_of(old))
            if new is not None:
                wake += self._graph.seen(resource, new)
            for uid in wake:
                self.queue.add(uid)

        return changed

    # Collecting

    async def sync(self, key: str) -> None:
        """Look at one object: its owners, or what it waits for."""
        node = self._graph.get(key)
        if node is None:
            return
        resource = node.resource or self._resource_of_virtual(node)
        if resource is None:
            # Its kind is not served (now): an owner that nobody can ask for is not known to be absent.
            return
        live = await self._live(resource, node.namespace, node.name)
        if live is None or uid_of(live) != node.uid:
            self._wake(self._gone(node.uid))
            return
        if node.virtual:
            self._wake(self._graph.seen(resource, live))
        await self._process(node, resource, live)

    def _gone(self, uid: str) -> list[str]:
        self._absent[uid] = None
        if len(self._absent) > _MAX_ABSENT:
            del self._absent[next(iter(self._absent))]
        return self._graph.gone(uid)

    async def _process(self, node: Node, resource: Resource, live: Object) -> None:
        finalizers = live["metadata"].get("finalizers") or []
        deleting = bool(live["metadata"].get("deletionTimestamp"))
        if deleting and ORPHAN in finalizers:
            await self._orphan(node, resource, live)
            return
        if deleting and FOREGROUND in finalizers:
            await self._end_foreground(node, resource, live)
            return
        if deleting:
            return
        owners = {ref["uid"]: ref for ref in live["metadata"].get("ownerReferences") or ()}
        states = {uid: await self._owner_state(ref, node.namespace) for uid, ref in owners.items()}
        action = decide(states, finalizers, has_dependents=bool(node.dependents))
        if isinstance(action, DropOwners):
            await self._drop_owners(resource, live, action.uids)
        elif isinstance(action, Delete):
            logger.info(
                "Deleting object without owners",
                extra={"resource": resource.group_resource, "object": f"{node.namespace}/{node.name}"},
            )
            if action.policy == "Foreground" and any(d.deleting_dependents for d in self._graph.dependents(node)):
                # A circle: its owner waits for it, as it would for what (in the end) waits for that owner.
                live = await self._unblock_owners(resource, live)
            await self._delete(resource, live, action.policy)

    async def _unblock_owners(self, resource: Resource, live: Object) -> Object:
        """No owner's deletion waits for this object any more; the object as it is then."""
        refs = live["metadata"].get("ownerReferences") or []
        if not any(ref.get("blockOwnerDeletion") for ref in refs):
            return live
        changed = [{**ref, "blockOwnerDeletion": False} for ref in refs]
        return await self._patch_metadata(resource, live, {"ownerReferences": changed}) or live

    async def _owner_state(self, ref: dict[str, str], namespace: str) -> OwnerState:
        if ref["uid"] in self._absent:
            return "absent"
        group = ref["apiVersion"].rpartition("/")[0]
        resource = self._kinds.get((group, ref["kind"]))
        if resource is None:
            raise ApiError(f"unable to get REST mapping for {ref['apiVersion']}/{ref['kind']}.")
        if resource.namespaced and not namespace:
            return "absent"  # a cluster-scoped object cannot be owned by a namespaced one
        owner = await self._live(resource, namespace if resource.namespaced else "", ref["name"])
        if owner is None or uid_of(owner) != ref["uid"]:
            return "absent"
        waiting = owner["metadata"].get("deletionTimestamp") and FOREGROUND in (
            owner["metadata"].get("finalizers") or ()
        )
        return "waiting" if waiting else "solid"

    def _resource_of_virtual(self, node: Node) -> Resource | None:
        for dependent in self._graph.dependents(node):
            ref = dependent.owners.get(node.uid)
            if ref:
                resource = self._kinds.get((ref["apiVersion"].rpartition("/")[0], ref["kind"]))
                if resource is not None and not resource.namespaced:
                    node.namespace = ""
                return resource
        return None

    async def _live(self, resource: Resource, namespace: str, name: str) -> Object | None:
        try:
            return await self.client.get(resource, namespace, name)
        except NotFound:
            return None

    async def _end_foreground(self, node: Node, resource: Resource, live: Object) -> None:
        """Let the object go once no dependent blocks it; until then see to the dependents."""
        blocking = self._graph.blocking(node)
        if blocking:
            self._wake(d.uid for d in blocking if not d.deleting_dependents)
            return
        await self._drop_finalizer(resource, live, FOREGROUND)

    async def _orphan(self, node: Node, resource: Resource, live: Object) -> None:
        """Take the object out of its dependents' owners, then let it go."""
        for dependent in self._graph.dependents(node):
            if dependent.resource is None:
                continue
            current = await self._live(dependent.resource, dependent.namespace, dependent.name)
            if current is not None and uid_of(current) == dependent.uid:
                await self._drop_owners(dependent.resource, current, frozenset({node.uid}))
        await self._drop_finalizer(resource, live, ORPHAN)

    async def _drop_owners(self, resource: Resource, live: Object, uids: frozenset[str]) -> None:
        refs = live["metadata"].get("ownerReferences") or []
        left = [ref for ref in refs if ref["uid"] not in uids]
        if len(left) != len(refs):
            await self._patch_metadata(resource, live, {"ownerReferences": left})

    async def _drop_finalizer(self, resource: Resource, live: Object, finalizer: str) -> None:
        left = [name for name in live["metadata"].get("finalizers") or () if name != finalizer]
        await self._patch_metadata(resource, live, {"finalizers": left})

    async def _patch_metadata(self, resource: Resource, live: Object, change: Object) -> Object | None:
        """A merge patch for just the version that was read: lists are replaced as a whole. None: the object is gone."""
        meta = live["metadata"]
        body = {"metadata": {**change, "uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}}
        try:
            return await self.client.patch(
                resource, meta.get("namespace") or "", meta["name"], body, patch_type="merge"
            )
        except NotFound:
            return None  # gone meanwhile: just as well

    async def _delete(self, resource: Resource, live: Object, policy: str) -> None:
        meta = live["metadata"]
        try:
            await self.client.delete(
                resource, meta.get("namespace") or "", meta["name"], propagation_policy=policy,
                uid=meta["uid"], resource_version=meta["resourceVersion"],
            )  # fmt: skip
        except NotFound:
            return  # gone meanwhile: just as well

    def _wake(self, uids: Iterable[str]) -> None:
        for uid in uids:
            self.queue.add(uid)
