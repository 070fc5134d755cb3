"""Where the proxier's objects come from: informers, or a source written by hand (benches and tests)."""

from __future__ import annotations

from typing import Protocol

from apimachinery.objects import Object, key_of
from client.informer import Handler
from client.store import Indexer, Store


class ObjectSource(Protocol):
    """What the proxier needs of an informer."""

    store: Store

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Another index of the store."""

    def on_change(self, handler: Handler) -> None:
        """Tell `handler` of every change, and of what is there already."""

    async def wait_synced(self) -> None:
        """Return once the first list has been taken in."""


class LocalSource:
    """An `ObjectSource` whose objects are put and removed by the program itself; always synced."""

    def __init__(self) -> None:
        self.store = Store()
        self._handlers: list[Handler] = []

    def add_index(self, name: str, indexer: Indexer) -> None:
        """See `ObjectSource`."""
        self.store.add_index(name, indexer)

    def on_change(self, handler: Handler) -> None:
        """See `ObjectSource`."""
        self._handlers.append(handler)
        for found in self.store.list():
            handler(None, found)

    async def wait_synced(self) -> None:
        """See `ObjectSource`."""

    def put(self, found: Object) -> None:
        """Add or replace an object."""
        old = self.store.put(found)
        for handler in self._handlers:
            handler(old, found)

    def remove(self, found: Object) -> None:
        """Take an object away."""
        old = self.store.remove(key_of(found))
        for handler in self._handlers:
            handler(old, None)
