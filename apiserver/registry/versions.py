"""The versions of one resource for admission: which there are, and objects from one to another.

(`apiserver.interfaces.Versions`; the reference's EquivalentResourceRegistry.)"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.errors import InternalError
from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import DecodeError
from apiserver.interfaces import Attributes
from apiserver.registry import decoding
from apiserver.registry.registry import Registry
from apiserver.registry.served import Served


class RegistryVersions:
    """Of all that a registry serves."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def of(self, attributes: Attributes) -> Sequence[Resource]:
        """Every version, that of the request first."""
        requested = self._registry.served(attributes.group, attributes.version, attributes.resource)
        if requested is None:
            return ()
        first = requested.kind.resource
        return [first, *(each for each in self._registry.sharing(requested.store) if each != first)]

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The stored resource of that kind, if it is served."""
        for each in self._registry.kinds:
            resource = each.resource
            if (resource.api_version, resource.kind) == (api_version, kind) and self._served(resource) is not None:
                return resource
        return None

    def serves(self, resource: Resource) -> bool:
        """Whether it is served."""
        return self._served(resource) is not None

    def _served(self, resource: Resource) -> Served | None:
        return self._registry.served(resource.group, resource.version, resource.plural)

    async def shown(self, attributes: Attributes, obj: Object, target: Resource) -> Object:
        """A private copy in the target's version; raises ApiError."""
        requested, wanted = self._requested(attributes), self._registry.of(target)
        if not _is_converted(obj, requested):
            return deep_copy(obj)  # type: ignore[no-any-return]
        stored = await requested.closed(obj)
        (made,) = await wanted.shown([stored], remember=False)
        return deep_copy(made)  # type: ignore[no-any-return]

    async def taken(self, attributes: Attributes, obj: Object, source: Resource) -> Object:
        """As admission has it; raises ApiError."""
        requested, given = self._requested(attributes), self._registry.of(source)
        if not _is_converted(obj, given):
            return obj
        try:
            given.schema.decode(obj)
        except DecodeError as error:
            raise InternalError(f"Internal error occurred: {error}") from error
        stored = await given.closed(decoding.to_stored_form(given, obj))
        if requested.conversion is None:
            return stored
        (made,) = await requested.conversion.shown([stored], remember=False)
        return deep_copy(made)  # type: ignore[no-any-return]

    def _requested(self, attributes: Attributes) -> Served:
        found = self._registry.served(attributes.group, attributes.version, attributes.resource)
        if found is None:
            raise InternalError(f"{attributes.resource}.{attributes.group} is not served any more")
        return found


def _is_converted(obj: Object, served: Served) -> bool:
    """Whether it is an object of the resource: what is sent to subresources (Scale, Eviction) stays as it is."""
    return obj.get("kind") == served.kind.resource.kind
