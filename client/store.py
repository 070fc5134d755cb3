"""Objects of one resource by key, by namespace and by any number of indexes.

Pure; written by `client.informer` alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from apimachinery.objects import Object, key_of, namespace_of

#: Gives the index values of an object.
Indexer = Callable[[Object], Iterable[str]]


class Store:
    """Objects by "namespace/name", with indexes. Objects are shared: callers must not change them."""

    def __init__(self, indexers: Mapping[str, Indexer] | None = None) -> None:
        self._objects: dict[str, Object] = {}
        self._namespaces: dict[str, dict[str, Object]] = {}
        self._indexers: dict[str, Indexer] = dict(indexers or {})
        self._indexes: dict[str, dict[str, dict[str, Object]]] = {name: {} for name in self._indexers}

    def get(self, key: str) -> Object | None:
        """The object of that key, or None."""
        return self._objects.get(key)

    def list(self, namespace: str = "") -> Sequence[Object]:
        """All objects, or those of one namespace."""
        chosen = self._namespaces.get(namespace, {}) if namespace else self._objects
        return [*chosen.values()]

    def by_index(self, index: str, value: str) -> Sequence[Object]:
        """Objects whose indexer gives `value`; raises KeyError for an unknown index."""
        return [*self._indexes[index].get(value, {}).values()]

    def all_keys(self) -> Sequence[str]:
        """The keys of all objects."""
        return [*self._objects]

    def __len__(self) -> int:
        return len(self._objects)

    def add_index(self, name: str, indexer: Indexer) -> None:
        """Another index, filled from what is there."""
        self._indexers[name] = indexer
        self._indexes[name] = {}
        for key, obj in self._objects.items():
            for value in set(indexer(obj)):
                self._indexes[name].setdefault(value, {})[key] = obj

    def put(self, obj: Object) -> Object | None:
        """Remember `obj`; the object it replaces, or None."""
        key = key_of(obj)
        old = self._remove(key)
        self._objects[key] = obj
        namespace = namespace_of(obj)
        if namespace:
            self._namespaces.setdefault(namespace, {})[key] = obj
        for name, indexer in self._indexers.items():
            for value in set(indexer(obj)):
                self._indexes[name].setdefault(value, {})[key] = obj
        return old

    def remove(self, key: str) -> Object | None:
        """Forget the object of that key, which is returned; None where there was none."""
        return self._remove(key)

    def _remove(self, key: str) -> Object | None:
        old = self._objects.pop(key, None)
        if old is None:
            return None
        namespace = namespace_of(old)
        if namespace:
            _discard(self._namespaces, namespace, key)
        for name, indexer in self._indexers.items():
            for value in set(indexer(old)):
                _discard(self._indexes[name], value, key)
        return old


def _discard(buckets: dict[str, dict[str, Object]], bucket: str, key: str) -> None:
    """Take a key out of a bucket, and an emptied bucket away."""
    members = buckets.get(bucket)
    if members is None:
        return
    members.pop(key, None)
    if not members:
        del buckets[bucket]
