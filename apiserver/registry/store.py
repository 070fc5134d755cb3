"""One stored resource: its keys, its watch cache, and conditional writes of single objects.

Knows nothing of strategies or admission; the verbs beside it (create, update, delete, reading) do."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from api.kind import Kind
from apimachinery import errors
from apimachinery.objects import Object, name_of, namespace_of
from apiserver.registry.context import CommitHook
from apiserver.storage.interface import Delete, Mismatch, Put, Stored
from apiserver.watchcache.cache import WatchCache, unreadable
from apiserver.watchcache.encoding import encode_stored, splice
from apiserver.watchcache.feed import Committed, Feed
from apiserver.watchcache.window import CachedObject

#: How often a write is planned anew because another took the cluster IP or node port it was to have.
_PLANS = 8


class ResourceStore:
    """Where the objects of one kind, in its stored version, lie."""

    def __init__(self, kind: Kind, feed: Feed, prefix: str, *, ttl_seconds: int = 0) -> None:
        self.kind = kind
        self.feed = feed
        self.cache: WatchCache = feed.add(kind.resource, prefix)
        self.ttl_seconds = ttl_seconds
        self.hook: CommitHook | None = None

    def cached(self, namespace: str, name: str) -> CachedObject | None:
        """The object as the cache has it; raises InternalError where it cannot be decrypted."""
        if self.cache.unreadable:
            self.cache.check_readable(namespace, name)
        return self.cache.get(namespace, name)

    async def fresh(self, namespace: str, name: str) -> CachedObject | None:
        """The object as of now, whoever wrote it; raises InternalError where it cannot be decrypted."""
        await self.feed.fresh()
        return self.cached(namespace, name)

    async def is_stale(self, found: CachedObject) -> bool:
        """Whether writing the object unchanged would encrypt it by another key; raises `StorageError`."""
        return await self.feed.is_stale(self.cache.key(found.namespace, found.name))

    def not_found(self, name: str) -> errors.NotFound:
        """The 404 of this resource."""
        resource = self.kind.resource
        return errors.not_found(resource.group, resource.plural, name)

    async def insert(self, obj: Object) -> CachedObject:
        """Write an object that must not exist yet; raises AlreadyExists."""
        key = self.cache.key(namespace_of(obj), name_of(obj))
        try:
            return (await self._commit(key, obj, None, 0)).objects[key]
        except Mismatch as mismatch:
            resource = self.kind.resource
            raise errors.already_exists(resource.group, resource.plural, name_of(obj)) from mismatch

    async def replace(self, obj: Object, old: CachedObject) -> CachedObject:
        """Write `obj` over `old`; raises `Mismatch` where `old` is not what lies there any more."""
        key = self.cache.key(namespace_of(obj), name_of(obj))
        return (await self._commit(key, obj, old, old.revision)).objects[key]

    async def remove(self, old: CachedObject) -> int:
        """Delete what `old` is; raises `Mismatch` where something else lies there. Returns the revision."""
        key = self.cache.key(old.namespace, old.name)
        return (await self._commit(key, None, old, old.revision)).revision

    async def _commit(self, key: str, new: Object | None, old: CachedObject | None, expected: int) -> Committed:
        """Write or (`new` is None) delete the key, with what the hook plans beside it; `Mismatch` is of `key` only."""
        for _ in range(_PLANS):
            planned = new
            beside: Sequence[Put | Delete] = ()
            if self.hook:
                planned, beside = await self.hook.plan(new, orjson.loads(old.raw) if old else None)
            if planned is None:
                own: Put | Delete = Delete(key, expected)
            else:
                own = Put(key, _encoded(planned), expected, self.ttl_seconds)
            try:
                return await self.feed.commit([own, *beside], {} if planned is None else {key: planned})
            except Mismatch as mismatch:
                if mismatch.key == key:
                    raise
                await self.feed.fresh()  # another write took what was planned: plan with what is known now
        raise errors.ServiceUnavailable("allocations change too fast, try again", retry_after_seconds=1)

    def of_stored(self, stored: Stored) -> CachedObject:
        """The cached form of what a `Mismatch` or a list found; raises InternalError where it cannot be decrypted."""
        if stored.problem:
            raise unreadable(stored.key, stored.problem)
        relative = stored.key.removeprefix(self.cache.prefix)
        namespace, _, name = relative.rpartition("/")
        return CachedObject(relative, namespace, name, splice(stored.value, stored.revision), stored.revision, None)

    def rehearsed(self, obj: Object, old: CachedObject | None) -> CachedObject:
        """What a dry run of writing `obj` over `old` (None: a new one) answers; raises ApiError."""
        if self.hook:
            obj = self.hook.rehearse(obj, orjson.loads(old.raw) if old else None)
        return self.unsaved(obj, old.revision if old else 0)

    def unsaved(self, obj: Object, revision: int) -> CachedObject:
        """The cached form of an object that is not written."""
        metadata = obj.get("metadata") or {}
        if revision:
            metadata["resourceVersion"] = str(revision)
        else:
            metadata.pop("resourceVersion", None)
        namespace, name = namespace_of(obj), name_of(obj)
        relative = f"{namespace}/{name}" if self.kind.resource.namespaced else name
        return CachedObject(relative, namespace, name, orjson.dumps(obj), revision, obj)


def _encoded(obj: Object) -> bytes:
    try:
        return encode_stored(obj)
    except orjson.JSONEncodeError as error:  # patches can nest deeper than any body may
        raise errors.BadRequest(f"the object cannot be encoded: {error}") from error
