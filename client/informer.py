"""An indexed local copy of a resource, kept by list and watch, and handlers told of its changes.

`client.store` remembers; `Informer` follows the server into it; `InformerFactory` shares informers. A connection that
is lost is resumed at the last version seen; where that is gone, a new list is compared with what is there, so that
what was deleted meanwhile is told as well."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping

from apimachinery.errors import ApiError, Gone
from apimachinery.meta import Resource
from apimachinery.objects import Object, key_of
from client.rest import RestClient, WatchEvent
from client.store import Indexer, Store

__all__ = ["Handler", "Indexer", "Informer", "InformerFactory", "Store"]

logger = logging.getLogger(__name__)

#: Told of every change with (old, new): old None on add, new None on delete. Handlers only enqueue keys.
Handler = Callable[[Object | None, Object | None], None]

_PAGE = 500
_MIN_WATCH_SECONDS = 300
_FIRST_DELAY_SECONDS = 0.8
_MAX_DELAY_SECONDS = 30.0
#: A watch that lasted this long was a good one: the next failure starts with the first delay again.
_GOOD_WATCH_SECONDS = 60.0
_SHORT_WATCH_SECONDS = 1.0


class Informer:
    """One resource (or a selection of it), listed and then watched for as long as `run` runs."""

    resource: Resource
    store: Store

    def __init__(
        self, client: RestClient, resource: Resource, *, namespace: str = "", label_selector: str = "",
        field_selector: str = "", indexers: Mapping[str, Indexer] | None = None, metadata_only: bool = False,
    ) -> None:  # fmt: skip
        self.resource = resource
        self.store = Store(indexers)
        self._client = client
        self._namespace = namespace
        self._labels = label_selector
        self._fields = field_selector
        self._metadata_only = metadata_only
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._version = ""  # of the last list or event
        self._delay = _FIRST_DELAY_SECONDS

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Another index; before `run`."""
        self.store.add_index(name, indexer)

    def on_change(self, handler: Handler) -> None:
        """Tell `handler` of every change; objects already in the store are told at once as (None, object)."""
        self._handlers.append(handler)
        for obj in self.store.list():
            handler(None, obj)

    @property
    def synced(self) -> bool:
        """Whether the first list has been taken in."""
        return self._synced.is_set()

    async def wait_synced(self) -> None:
        """Return once `synced`."""
        await self._synced.wait()

    async def run(self) -> None:
        """Follow the server until cancelled: back off (0.8 s doubling to 30 s, jittered) while it does not answer,
        resume at the last version after a lost connection, list again on 410."""
        loop = asyncio.get_running_loop()
        listed = False
        list_version = "0"
        while True:
            started = loop.time()
            try:
                if not listed:
                    await self._list(list_version)
                    listed = True
                    self._delay = _FIRST_DELAY_SECONDS
                    started = loop.time()
                events = await self._watch()
                if not events and loop.time() - started < _SHORT_WATCH_SECONDS:
                    await self._back_off()
                    continue
            except Gone as error:
                logger.info("Listing again", extra={"resource": self._name, "reason": error.message})
                # An older list than the one that is gone must not be taken, so the newest is asked for.
                listed, list_version = False, ""
                continue
            except ApiError as error:
                if loop.time() - started > _GOOD_WATCH_SECONDS:
                    self._delay = _FIRST_DELAY_SECONDS
                log = logger.info if listed else logger.warning
                log("Cannot list or watch", extra={"resource": self._name, "error": error.message})
                await self._back_off()
                continue
            self._delay = _FIRST_DELAY_SECONDS

    @property
    def _name(self) -> str:
        return self.resource.group_resource

    async def _back_off(self) -> None:
        await asyncio.sleep(self._delay * random.uniform(1.0, 2.0))
        self._delay = min(self._delay * 2, _MAX_DELAY_SECONDS)

    async def _list(self, version: str) -> None:
        """Take in a full list, page by page; nothing is told before the last page has come."""
        items: list[Object] = []
        token = ""
        while True:
            page = await self._client.list(
                self.resource, self._namespace, label_selector=self._labels, field_selector=self._fields,
                resource_version=None if token or not version else version, limit=_PAGE, continue_token=token,
                metadata_only=self._metadata_only,
            )  # fmt: skip
            items += page.get("items") or ()
            metadata = page.get("metadata") or {}
            token = metadata.get("continue") or ""
            if not token:
                break
        self._replace(items)
        self._version = metadata.get("resourceVersion") or ""
        self._synced.set()

    def _replace(self, items: list[Object]) -> None:
        kind, api_version = self.resource.kind, self.resource.api_version
        present = set()
        for item in items:
            # Items of a list need not carry these; whoever reads the store may rely on them.
            item.setdefault("kind", kind)
            item.setdefault("apiVersion", api_version)
            present.add(key_of(item))
        for key in self.store.all_keys():
            if key not in present:
                self._tell(self.store.remove(key), None)
        for item in items:
            old = self.store.get(key_of(item))
            if old is None or old["metadata"].get("resourceVersion") != item["metadata"].get("resourceVersion"):
                self._put(item)

    async def _watch(self) -> int:
        """Follow events until the server ends the watch; how many there were."""
        seconds = int(random.uniform(_MIN_WATCH_SECONDS, 2 * _MIN_WATCH_SECONDS))
        count = 0
        async for event in self._client.watch(
            self.resource, self._namespace, resource_version=self._version, label_selector=self._labels,
            field_selector=self._fields, timeout_seconds=seconds, metadata_only=self._metadata_only,
        ):  # fmt: skip
            self._take(event)
            count += 1
        return count

    def _take(self, event: WatchEvent) -> None:
        metadata = event.object.get("metadata") or {}
        if event.type == "DELETED":
            self._tell_deleted(event.object)
        elif event.type != "BOOKMARK":
            self._put(event.object)
        self._version = metadata.get("resourceVersion") or self._version

    def _put(self, obj: Object) -> None:
        # No reader of a store asks who owns which field, and it is a good part of an object's size. A write without it
        # leaves what the server has.
        obj["metadata"].pop("managedFields", None)
        self._tell(self.store.put(obj), obj)

    def _tell_deleted(self, obj: Object) -> None:
        """Handlers get the object in its last state, where it is known at all."""
        if self.store.remove(key_of(obj)) is not None:
            self._tell(obj, None)

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for handler in self._handlers:
            handler(old, new)


class InformerFactory:
    """One informer per (resource, selection), shared by everything in a process."""

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._informers: dict[tuple[Resource, str, str, str], Informer] = {}
        self._group: asyncio.TaskGroup | None = None

    def informer(
        self, resource: Resource, *, namespace: str = "", label_selector: str = "", field_selector: str = ""
    ) -> Informer:
        """The shared informer; made on first use, and started at once where the factory runs already."""
        key = (resource, namespace, label_selector, field_selector)
        found = self._informers.get(key)
        if found is None:
            found = Informer(
                self._client,
                resource,
                namespace=namespace,
                label_selector=label_selector,
                field_selector=field_selector,
            )
            self._informers[key] = found
            if self._group is not None:
                self._start(self._group, found)
        return found

    async def run(self) -> None:
        """Run all informers as named tasks, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                for informer in self._informers.values():
                    self._start(group, informer)
                await asyncio.Event().wait()  # those made later join the group
        finally:
            self._group = None

    async def wait_synced(self) -> None:
        """Return once every informer is synced."""
        for informer in list(self._informers.values()):
            await informer.wait_synced()

    @staticmethod
    def _start(group: asyncio.TaskGroup, informer: Informer) -> None:
        group.create_task(informer.run(), name=f"informer-{informer.resource.group_resource}")
