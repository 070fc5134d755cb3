"""All served resources: which kind answers which group, version and plural, and the stores behind them.

Kinds may come and go while the server runs (custom resources); the table is replaced, never changed in place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from api.kind import Kind
from apimachinery.meta import Resource
from apimachinery.objects import Object
from apimachinery.schema import Schemas
from apiserver.interfaces import Attributes
from apiserver.registry.context import Admission
from apiserver.registry.served import Served
from apiserver.registry.store import ResourceStore
from apiserver.watchcache.feed import Feed

Key = tuple[str, str, str]


class NoAdmission:
    """The chain of a server without plugins."""

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Changes nothing."""

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Refuses nothing."""
        return []


class AdmissionSlot:
    """Stands for the chain until it is built: plugins read through the registry that needs them."""

    def __init__(self) -> None:
        self.chain: Admission = NoAdmission()

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """As the chain."""
        await self.chain.admit(attributes, obj, old)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """As the chain."""
        return await self.chain.validate(attributes, obj, old)


class Registry:
    """The resources of one API server."""

    def __init__(
        self, feed: Feed, schemas: Schemas, *, prefix: str = "/registry", event_ttl_seconds: int = 3600
    ) -> None:
        self.feed = feed
        self.schemas = schemas
        self.admission = AdmissionSlot()
        self._prefix = prefix.rstrip("/")
        self._event_ttl_seconds = event_ttl_seconds
        self._stores: dict[Resource, ResourceStore] = {}
        self._families: dict[Resource, dict[str, Served]] = {}
        self._served: dict[Key, Served] = {}
        self._kinds: dict[Key, Kind] = {}
        #: Serves the kinds that are known of but not yet served, if there is anyone to do it.
        self.catch_up: Callable[[], Awaitable[None]] | None = None

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Every kind, those without storage too, in the order they were added."""
        return tuple(self._kinds.values())

    @property
    def stores(self) -> Iterable[ResourceStore]:
        """Every store."""
        return self._stores.values()

    def add(self, kinds: Iterable[Kind]) -> None:
        """Serve these kinds; stored ones get a cache, which the feed fills."""
        kinds = tuple(kinds)
        table = dict(self._kinds)
        table.update((key_of(kind), kind) for kind in kinds)
        served = dict(self._served)
        for kind in kinds:
            stored = table.get(_key(kind.stored), kind)
            if not stored.storage_path:
                continue
            served[key_of(kind)] = self._serve(kind, self._store(stored))
        self._kinds, self._served = table, served

    def _serve(self, kind: Kind, store: ResourceStore) -> Served:
        resource = kind.resource
        schema = self.schemas.for_kind(resource.group, resource.version, resource.kind)
        if schema is None:
            raise ValueError(f"no schema for {resource.api_version} {resource.kind}")
        family = self._families.setdefault(store.kind.resource, {})
        return Served(kind, store, schema, self.admission, family=family)

    def _store(self, kind: Kind) -> ResourceStore:
        store = self._stores.get(kind.resource)
        if store is None:
            ttl = self._event_ttl_seconds if kind.ttl_from_event_flag else 0
            prefix = f"{self._prefix}/{kind.storage_path}/"
            store = self._stores[kind.resource] = ResourceStore(kind, self.feed, prefix, ttl_seconds=ttl)
        return store

    def exchange(self, gone: Iterable[Key], come: Iterable[Served] = ()) -> None:
        """Stop serving these and serve these custom resources, in one step."""
        withdrawn = set(gone)
        table = {key: kind for key, kind in self._kinds.items() if key not in withdrawn}
        served = {key: each for key, each in self._served.items() if key not in withdrawn}
        for each in come:
            table[key_of(each.kind)] = each.kind
            served[key_of(each.kind)] = each
        self._kinds, self._served = table, served

    def open_store(self, kind: Kind) -> ResourceStore:
        """The store of a custom resource, in its stored version; its cache is the caller's to fill."""
        return self._store(kind)

    def close_store(self, store: ResourceStore, *, keep_cache: bool = False) -> None:
        """Forget a store, and (but for `keep_cache`) what it holds in memory."""
        self._stores.pop(store.kind.resource, None)
        if not keep_cache:
            self.feed.remove(store.cache)

    def kind(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind served there, stored or not."""
        return self._kinds.get((group, version, plural))

    def serves(self, group: str, version: str) -> bool:
        """Whether there is any kind of that group and version."""
        return any(key[:2] == (group, version) for key in self._kinds)

    def served(self, group: str, version: str, plural: str) -> Served | None:
        """The stored resource served there."""
        return self._served.get((group, version, plural))

    def sharing(self, store: ResourceStore) -> list[Resource]:
        """The resources that show what lies in a store."""
        return [each.kind.resource for each in self._served.values() if each.store is store]

    def of(self, resource: Resource) -> Served:
        """The served form of a resource that is there; raises KeyError."""
        return self._served[resource.group, resource.version, resource.plural]


def _key(resource: Resource) -> Key:
    return (resource.group, resource.version, resource.plural)


def key_of(kind: Kind) -> Key:
    """Where a kind is found."""
    return _key(kind.resource)
