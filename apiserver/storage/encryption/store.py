"""A store that encrypts: stands before another one, so that caches see plain values and the store does not.

What cannot be read is passed on as it lies there, with its `problem`: one bad object must not take others with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from time import perf_counter

from apimachinery.meta import Resource
from apiserver.storage.encryption.config import Rules
from apiserver.storage.encryption.metrics import transformed
from apiserver.storage.encryption.providers import Providers, Undecryptable
from apiserver.storage.interface import (
    Delete,
    Mismatch,
    Page,
    Put,
    Revision,
    Storage,
    StorageEvent,
    Stored,
    WatchBatch,
)


class EncryptedStorage:
    """A `Storage`. `resource_of` says whose a key is; keys of nobody are passed on as they are."""

    def __init__(self, inner: Storage, rules: Rules) -> None:
        self._inner = inner
        self._rules = rules
        self._chosen: dict[Resource, Providers] = {}
        self.resource_of: Callable[[str], Resource | None] = lambda key: None

    @property
    def source(self) -> str:
        """The text of the configuration in use."""
        return self._rules.source

    def use(self, rules: Rules) -> None:
        """Read and write by other rules from now on."""
        self._rules = rules
        self._chosen = {}

    async def get(self, key: str) -> Stored | None:
        """As the store, decrypted."""
        stored = await self._inner.get(key)
        return self._opened(stored) if stored else None

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: Revision = 0) -> Page:
        """As the store, decrypted."""
        page = await self._inner.list(prefix, limit=limit, start_after=start_after, revision=revision)
        return Page([self._opened(stored) for stored in page.items], page.revision, page.remaining)

    async def commit(self, writes: Sequence[Put | Delete]) -> Revision:
        """As the store, encrypted by the first key of each resource."""
        try:
            return await self._inner.commit([self._sealed(write) for write in writes])
        except Mismatch as mismatch:
            current = self._opened(mismatch.current) if mismatch.current else None
            raise Mismatch(mismatch.key, current) from mismatch

    async def current_revision(self) -> Revision:
        """As the store."""
        return await self._inner.current_revision()

    async def watch(self, prefix: str, *, after: Revision) -> AsyncIterator[WatchBatch]:
        """As the store, decrypted."""
        async for batch in self._inner.watch(prefix, after=after):
            yield WatchBatch([self._opened_event(event) for event in batch.events], batch.revision)

    async def compact(self, revision: Revision) -> None:
        """As the store."""
        await self._inner.compact(revision)

    async def size_bytes(self) -> int:
        """As the store."""
        return await self._inner.size_bytes()

    async def close(self) -> None:
        """As the store."""
        await self._inner.close()

    def _providers(self, key: str) -> Providers | None:
        resource = self.resource_of(key)
        if resource is None:
            return None
        chosen = self._chosen.get(resource)
        if chosen is None:
            chosen = self._chosen[resource] = self._rules.providers(resource.plural, resource.group)
        return chosen

    def _sealed(self, write: Put | Delete) -> Put | Delete:
        providers = self._providers(write.key)
        if providers is None or isinstance(write, Delete):
            return write
        started = perf_counter()
        sealed = providers.seal(write.value, write.key)
        if providers.encrypts:
            transformed(providers.prefix, started, reading=False)
        return replace(write, value=sealed)

    def _opened(self, stored: Stored) -> Stored:
        value, problem, stale = self._read(stored.key, stored.value)
        return Stored(stored.key, value, stored.revision, problem, stale)

    def _opened_event(self, event: StorageEvent) -> StorageEvent:
        if event.type == "delete":
            return event
        value, problem, _ = self._read(event.key, event.value)
        return replace(event, value=value, problem=problem)

    def _read(self, key: str, value: bytes) -> tuple[bytes, str, bool]:
        """The value, what is wrong with it, and whether another key should write it anew."""
        providers = self._providers(key)
        if providers is None:
            return value, "", False
        started = perf_counter()
        try:
            opened = providers.open(value, key)
        except Undecryptable as error:
            transformed(b"", started, reading=True, good=False)
            return value, str(error), False
        if providers.encrypts:
            transformed(opened.prefix, started, reading=True)
        return opened.plain, "", opened.stale
