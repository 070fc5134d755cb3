"""Keeps every watch cache up to date from one watch of the whole store, and takes the API server's own writes.

A store gives each commit the next number, so a watch of all keys shows which revisions have been seen: a write of our own
that is the very next one is applied at once, others wait for their turn. `cache.py` holds one resource's state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.meta import Resource
from apimachinery.objects import Object
from apiserver.storage.interface import Delete, Put, Revision, Storage, StorageEvent
from apiserver.watchcache.cache import WatchCache
from apiserver.watchcache.window import CachedObject

logger = logging.getLogger(__name__)

_LIST_PAGE = 1000
_TICK_SECONDS = 1.0
_REACH_SECONDS = 3.0  #: how long a read waits for a revision (the reference's blockTimeout)
_RETRY_SECONDS = 1.0


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
        self.revision: Revision = 0  #: every change up to here has been applied
        self._caches: dict[str, WatchCache] = {}
        self._listing: dict[str, list[StorageEvent]] = {}  # caches being filled: what happened meanwhile
        self._own: dict[Revision, list[_Own]] = {}
        self._ready = asyncio.Event()
        self._waiting: dict[asyncio.Future[None], Revision] = {}
        self._reading: asyncio.Task[Revision] | None = None
        self._next_reading: asyncio.Task[Revision] | None = None

    def add(self, resource: Resource, prefix: str) -> WatchCache:
        """The cache of one stored resource ("/registry/pods/"), filled by `run`, or by `fill` once that runs."""
        cache = self._caches.get(prefix)
        if cache is None:
            cache = self._caches[prefix] = WatchCache(resource, prefix)
        return cache

    async def fill(self, cache: WatchCache) -> None:
        """Fill a cache that was added while the feed runs (a new CustomResourceDefinition)."""
        raise NotImplementedError

    async def remove(self, cache: WatchCache) -> None:
        """Drop a cache; its watches are cut."""
        raise NotImplementedError

    async def run(self) -> None:
        """Fill all caches, then follow the store for ever."""
        raise NotImplementedError

    async def wait_ready(self) -> None:
        """Until every cache has been filled for the first time."""
        await self._ready.wait()

    async def fresh(self) -> Revision:
        """Wait until the caches show everything committed before this call, anywhere; all callers at one time share
        one read of the store's revision. Raises `ServiceUnavailable`, `Timeout`."""
        raise NotImplementedError

    async def reach(self, revision: Revision) -> None:
        """Wait until the caches are at `revision` or later; raises the 504 "Too large resource version" after 3 s."""
        raise NotImplementedError

    async def commit(self, writes: Sequence[Put | Delete], objects: Mapping[str, Object] | None = None) -> Committed:
        """Commit to the store and show it in the caches at once. `objects` gives decoded objects by absolute key; they
        become the caches' own (their resourceVersion is set). Raises what `Storage.commit` raises."""
        raise NotImplementedError
