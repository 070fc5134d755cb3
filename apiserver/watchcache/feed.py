"""Keeps every watch cache up to date from one watch of the whole store, and takes the API server's own writes.

A store gives each commit the next number, so a watch of all keys shows which revisions have been seen: a write of our
own that is the very next one is applied at once, others wait for their turn. `cache.py` holds one resource's state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.errors import ServiceUnavailable, Timeout
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apiserver.storage.encryption import EncryptedStorage
from apiserver.storage.interface import Compacted, Delete, Put, Revision, Storage, StorageError, StorageEvent, Stored
from apiserver.watchcache.cache import Progress, WatchCache
from apiserver.watchcache.window import CachedObject

logger = logging.getLogger(__name__)

_LIST_PAGE = 1000
_TICK_SECONDS = 1.0
_REACH_SECONDS = 3.0  #: how long a read waits for a revision (the reference's blockTimeout)
_RETRY_SECONDS = 1.0
_MAX_ROUTES = 20_000


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit came to: its revision, and the cached form of every object put, by absolute key."""

    revision: Revision
    objects: Mapping[str, CachedObject]


@dataclass(slots=True)
class _Own:
    """One change of a commit of our own, ready to be applied in its turn."""

    cache: WatchCache
    key: str
    new: CachedObject | None


class Feed:
    """All watch caches of one API server. `run` is a task of the process; `add` may be called at any time."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._progress = Progress()
        self._caches: dict[str, WatchCache] = {}
        self._routes: dict[str, WatchCache | None] = {}  # directory of a key -> its cache
        self._early: dict[WatchCache, list[StorageEvent]] = {}  # caches being filled: what happened meanwhile
        self._following = False
        self._filling = asyncio.Lock()
        self._own: dict[Revision, list[_Own]] = {}
        self._ready = asyncio.Event()
        self._waiting: dict[asyncio.Future[None], Revision] = {}
        self._askers: list[asyncio.Future[Revision]] = []
        self._asking: asyncio.Task[None] | None = None
        if isinstance(storage, EncryptedStorage):
            storage.resource_of = self._resource_of

    @property
    def revision(self) -> Revision:
        """Every change up to here has been applied."""
        return self._progress.revision

    def add(self, resource: Resource, prefix: str) -> WatchCache:
        """The cache of one stored resource ("/registry/pods/"), filled by `run`, or by `fill` once that runs."""
        cache = self._caches.get(prefix)
        if cache is None:
            cache = self._caches[prefix] = WatchCache(resource, prefix, self._progress)
            self._routes.clear()
        return cache

    async def fill(self, cache: WatchCache) -> None:
        """Fill a cache that was added while the feed runs (a new CustomResourceDefinition); raises `StorageError`."""
        async with self._filling:
            if cache.ready:
                return
            self._early[cache] = []
            try:
                revision = await self.storage.current_revision()
                await self._list(cache, revision)
            finally:
                missed = self._early.pop(cache)
            for event in missed:
                self._apply_event(event)

    def remove(self, cache: WatchCache) -> None:
        """Drop a cache; its watches are cut."""
        self._caches.pop(cache.prefix, None)
        self._routes.clear()
        cache.drop()

    async def run(self) -> None:
        """Fill all caches, then follow the store for ever; what the store cannot tell any more is listed again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick(), name="watch-cache-ticks")
            while True:
                try:
                    if not self._ready.is_set():
                        await self._list_all()
                        self._ready.set()
                    await self._follow()
                except Compacted as error:
                    logger.warning("Listing everything again", extra={"error": str(error)})
                    self._ready.clear()
                except StorageError as error:
                    logger.warning("The store does not answer", extra={"error": str(error)})
                    await asyncio.sleep(_RETRY_SECONDS)
                finally:
                    self._following = False
                    self._own.clear()

    async def wait_ready(self) -> None:
        """Until every cache has been filled for the first time."""
        await self._ready.wait()

    async def fresh(self) -> Revision:
        """Wait until the caches show everything committed before this call, anywhere; all callers at one time share
        one read of the store's revision. Raises `ServiceUnavailable`."""
        try:
            revision = await self._asked()
        except StorageError as error:
            raise ServiceUnavailable(f"the store does not answer: {error}", retry_after_seconds=1) from error
        if revision > self.revision and not await self._wait_for(revision):
            raise ServiceUnavailable("the watch cache has not caught up with the store", retry_after_seconds=1)
        return self.revision

    async def reach(self, revision: Revision) -> None:
        """Wait until the caches are at `revision` or later; raises the 504 "Too large resource version" after 3 s."""
        if revision > self.revision and not await self._wait_for(revision):
            raise too_large(revision, self.revision)

    async def commit(self, writes: Sequence[Put | Delete], objects: Mapping[str, Object] | None = None) -> Committed:
        """Commit to the store and show it in the caches at once. `objects` gives decoded objects by absolute key; they
        become the caches' own (their resourceVersion is set). Raises what `Storage.commit` raises."""
        revision = await self.storage.commit(writes)
        own: list[_Own] = []
        put: dict[str, CachedObject] = {}
        for write in writes:
            cache = self._cache_of(write.key)
            if cache is None:
                continue
            key = write.key[len(cache.prefix) :]
            new = None
            if isinstance(write, Put):
                obj = objects.get(write.key) if objects else None
                new = put[write.key] = cache.build(key, write.value, revision, obj)
            own.append(_Own(cache, key, new))
        if self._following and not self._early and revision > self.revision:
            self._own[revision] = own
            self._apply_own()
            if revision > self.revision:  # an earlier commit, of this server or another, is still to be heard of
                await self._wait_for(revision)
        return Committed(revision, put)

    # Following

    async def _list_all(self) -> None:
        async with self._filling:
            revision = await self.storage.current_revision()
            for cache in tuple(self._caches.values()):
                await self._list(cache, revision)
            self._advance(revision)

    async def _list(self, cache: WatchCache, revision: Revision) -> None:
        start_after = ""
        items: list[Stored] = []
        while True:
            page = await self.storage.list(cache.prefix, limit=_LIST_PAGE, start_after=start_after, revision=revision)
            items += page.items
            cache.store_listings.add(len(page.items), len(page.items))
            if not page.remaining or not page.items:
                break
            start_after = page.items[-1].key
        cache.replace(items, revision)

    async def _follow(self) -> None:
        self._following = True
        async for batch in self.storage.watch("", after=self.revision):
            for event in batch.events:
                if event.revision > self.revision:
                    self._apply_event(event)
            if batch.revision > self.revision:
                self._advance(batch.revision)
                self._apply_own()

    def _apply_event(self, event: StorageEvent) -> None:
        cache = self._cache_of(event.key)
        if cache is None:
            return
        if cache in self._early:
            self._early[cache].append(event)
            return
        key = event.key[len(cache.prefix) :]
        new = cache.read(key, event.value, event.revision, event.problem) if event.type == "put" else None
        cache.apply(key, new, event.revision, deleted=event.type == "delete")

    def _apply_own(self) -> None:
        """Apply own commits that are next in turn; forget those that the watch was faster with."""
        if self._early:
            self._own.clear()  # a cache that is being filled takes its events from the watch alone
        while (changes := self._own.pop(self.revision + 1, None)) is not None:
            revision = self.revision + 1
            for change in changes:
                change.cache.apply(change.key, change.new, revision, deleted=change.new is None)
            self._advance(revision)
        for revision in [at for at in self._own if at <= self.revision]:
            del self._own[revision]

    def _advance(self, revision: Revision) -> None:
        self._progress.revision = revision
        if self._waiting:
            for waiter, wanted in tuple(self._waiting.items()):
                if wanted <= revision and not waiter.done():
                    waiter.set_result(None)

    async def is_stale(self, key: str) -> bool:
        """Whether the value lies encrypted by another key than the one that writes now; raises `StorageError`."""
        if not isinstance(self.storage, EncryptedStorage):
            return False
        stored = await self.storage.get(key)
        return stored is not None and stored.stale

    def _resource_of(self, key: str) -> Resource | None:
        cache = self._cache_of(key)
        return None if cache is None else cache.resource

    def _cache_of(self, key: str) -> WatchCache | None:
        directory = key[: key.rfind("/") + 1]
        try:
            return self._routes[directory]
        except KeyError:
            pass
        parent = directory[: directory.rfind("/", 0, -1) + 1]
        cache = self._caches.get(directory)
        if cache is None or cache.resource.namespaced:
            cache = self._caches.get(parent)
            if cache is not None and not cache.resource.namespaced:
                cache = None
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[directory] = cache
        return cache

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for cache in tuple(self._caches.values()):
                cache.tick(loop.time())

    # Waiting

    async def _wait_for(self, revision: Revision) -> bool:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = revision
        try:
            async with asyncio.timeout(_REACH_SECONDS):
                await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiting[waiter]
        return True

    def _asked(self) -> asyncio.Future[Revision]:
        """The store's revision, by a read that begins after this call and is shared with whoever else waits for one."""
        asker: asyncio.Future[Revision] = asyncio.get_running_loop().create_future()
        self._askers.append(asker)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="watch-cache-revision")
        return asker

    async def _ask(self) -> None:
        try:
            while self._askers:
                askers, self._askers = self._askers, []
                try:
                    revision = await self.storage.current_revision()
                except Exception as error:  # noqa: BLE001 - those who wait must hear of it, whatever it is
                    for asker in askers:
                        if not asker.done():
                            asker.set_exception(error)
                else:
                    for asker in askers:
                        if not asker.done():
                            asker.set_result(revision)
        finally:
            self._asking = None


def too_large(revision: Revision, current: Revision) -> Timeout:
    """The 504 of a read at a revision that the store has not reached."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    text = f"Timeout: Too large resource version: {revision}, current: {current}"
    return Timeout(text, details={"causes": [cause]}, retry_after_seconds=1)
