"""Reads and writes from inside the API server, as system:apiserver: for admission, authorization, bootstrap.

Writes go through strategies and storage, not through admission's callers or authorization."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from apimachinery.errors import NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy, name_of, namespace_of
from apiserver.interfaces import Attributes, UserInfo
from apiserver.registry import create, decoding, delete, reading, update
from apiserver.registry.context import IGNORE, DeleteOptions, WriteContext
from apiserver.registry.registry import Registry
from apiserver.registry.update import Update

_USER = UserInfo("system:apiserver", groups=("system:masters", "system:authenticated"))
_MANAGER = "kube-apiserver"


class RegistryLoopback:
    """`apiserver.interfaces.Loopback` on the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def version(self, resource: Resource) -> int:
        """The revision of the resource's last change: what is derived from its objects is good until it moves."""
        cache = self._registry.of(resource).store.cache
        return cache.version

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as last seen; shared."""
        found = self._registry.of(resource).store.cached(namespace, name)
        return found.obj if found else None

    def list(self, resource: Resource, namespace: str = "") -> Sequence[Object]:
        """All objects as last seen; shared."""
        items = self._registry.of(resource).store.cache.list(namespace)
        return [item.obj for item in items] if items else ()

    async def get_live(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as the store has it now."""
        try:
            found = await reading.get(self._registry.of(resource), namespace, name)
        except NotFound:
            return None
        return found.obj

    async def create(self, resource: Resource, obj: Object) -> Object:
        """Create; raises ApiError."""
        served = self._registry.of(resource)
        wanted = deep_copy(obj)
        decoding.check_type(served, wanted)
        decoding.normalise(served, wanted)
        wanted = decoding.to_stored_form(served, wanted)
        context = _context("create", resource, namespace_of(wanted), name_of(wanted))
        return (await create.create(served, wanted, context, namespace=namespace_of(wanted))).obj

    async def update(self, resource: Resource, obj: Object, subresource: str = "") -> Object:
        """Replace at the resourceVersion the object carries; raises ApiError."""
        served = self._registry.of(resource)

        def change(_: Object | None) -> Object:
            wanted = deep_copy(obj)
            decoding.check_type(served, wanted)
            decoding.normalise(served, wanted)
            return decoding.to_stored_form(served, wanted)

        context = _context("update", resource, namespace_of(obj), name_of(obj), subresource)
        request = Update(namespace_of(obj), name_of(obj), change, subresource)
        return (await update.update(served, request, context)).object.obj

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str = "") -> None:
        """Delete; raises ApiError."""
        context = _context("delete", resource, namespace, name)
        await delete.delete(self._registry.of(resource), namespace, name, DeleteOptions(uid=uid), context)


def _context(verb: str, resource: Resource, namespace: str, name: str, subresource: str = "") -> WriteContext:
    attributes = Attributes(
        user=_USER,
        verb=verb,
        path=resource.path(namespace, name, subresource),
        group=resource.group,
        version=resource.version,
        resource=resource.plural,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
    return WriteContext(attributes, datetime.now(UTC), field_manager=_MANAGER, field_validation=IGNORE)
