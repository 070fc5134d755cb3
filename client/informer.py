"""An indexed local copy of a resource, kept by list and watch, and handlers told of its changes.

`Reflector` follows the server, `Store` remembers, `Informer` joins the two; `InformerFactory` shares informers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient

#: Told of every change with (old, new): old None on add, new None on delete. Handlers only enqueue keys.
Handler = Callable[[Object | None, Object | None], None]
#: Gives the index values of an object.
Indexer = Callable[[Object], Iterable[str]]


class Store:
    """Objects by "namespace/name", with indexes. Objects are shared: callers must not change them."""

    def get(self, key: str) -> Object | None:
        """The object of that key, or None."""
        raise NotImplementedError

    def list(self, namespace: str = "") -> Sequence[Object]:
        """All objects, or those of one namespace."""
        raise NotImplementedError

    def by_index(self, index: str, value: str) -> Sequence[Object]:
        """Objects whose indexer gives `value`; raises KeyError for an unknown index."""
        raise NotImplementedError


class Informer:
    """One resource (or a selection of it), listed and then watched for as long as `run` runs."""

    resource: Resource
    store: Store

    def __init__(self, client: RestClient, resource: Resource, *, namespace: str = "", label_selector: str = "",
                 field_selector: str = "", indexers: Mapping[str, Indexer] | None = None) -> None:
        raise NotImplementedError

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Another index; before `run`."""
        raise NotImplementedError

    def on_change(self, handler: Handler) -> None:
        """Tell `handler` of every change; objects already in the store are told at once as (None, object)."""
        raise NotImplementedError

    @property
    def synced(self) -> bool:
        """Whether the first list has been taken in."""
        raise NotImplementedError

    async def wait_synced(self) -> None:
        """Return once `synced`."""
        raise NotImplementedError

    async def run(self) -> None:
        """Follow the server until cancelled: back off (0.8 s doubling to 30 s, jittered) while it does not answer,
        resume at the last version after a lost connection, list again on 410."""
        raise NotImplementedError


class InformerFactory:
    """One informer per (resource, selection), shared by everything in a process."""

    def __init__(self, client: RestClient) -> None:
        raise NotImplementedError

    def informer(self, resource: Resource, *, namespace: str = "", label_selector: str = "",
                 field_selector: str = "") -> Informer:
        """The shared informer; made on first use."""
        raise NotImplementedError

    async def run(self) -> None:
        """Run all informers as named tasks, until cancelled."""
        raise NotImplementedError

    async def wait_synced(self) -> None:
        """Return once every informer is synced."""
        raise NotImplementedError
