"""One resource as served: a kind in one version, the store behind it, its schema, strategy and admission.

Several served resources may share a store (autoscaling v1 and v2). Where they differ by functions (`to_stored`,
`from_stored`), writes work on the stored version; where something outside has to be asked (`Conversion`), they work on
the served one, and `opened` and `closed` stand at both ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import orjson

from api.kind import Kind, Strategy
from apimachinery import errors
from apimachinery.errors import ApiError
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import TypeSchema
from apiserver.registry.context import Admission
from apiserver.registry.store import ResourceStore
from apiserver.watchcache.window import CachedObject


class Conversion(Protocol):
    """How objects get from the stored version to a served one, and back, where that takes a call."""

    async def shown(self, objects: Sequence[Object], *, remember: bool = True) -> list[Object]:
        """Stored objects in the served version; shared. Raises ApiError."""
        ...

    async def stored(self, obj: Object) -> Object:
        """An object of the served version in the stored one; raises ApiError."""
        ...


class Served:
    """What the verbs need to know of one resource."""

    def __init__(
        self,
        kind: Kind,
        store: ResourceStore,
        schema: TypeSchema,
        admission: Admission,
        conversion: Conversion | None = None,
        family: dict[str, Served] | None = None,
    ) -> None:
        """`family` holds every version of the resource by apiVersion, and gets this one too."""
        self.kind = kind
        self.family = {} if family is None else family
        self.family[kind.resource.api_version] = self
        self.conversion = conversion
        self.store = store
        self.stored_kind = store.kind
        self.schema = schema
        self.admission = admission
        #: Whether the status is written by its own subresource alone.
        self.has_status = kind.subresource("status") is not None
        self._ruling = kind if kind.custom else self.stored_kind
        self.strategies: dict[str, Strategy] = {"": kind.rules or self._ruling.strategy}
        for sub in self._ruling.subresources:
            if sub.strategy is not None:
                self.strategies[sub.name] = sub.strategy

    @property
    def group(self) -> str:
        """The API group as error texts show it."""
        return self.kind.resource.group

    def strategy(self, subresource: str) -> Strategy:
        """The strategy that a write to the object or to one of its subresources follows."""
        return self.strategies.get(subresource) or self.strategies[""]

    @property
    def from_stored(self) -> Callable[[Object], Object] | None:
        """From the stored version to this one; None: they are the same."""
        return self.kind.from_storage if self.kind.stored_as else None

    def to_stored(self, obj: Object) -> Object:
        """From this version to the stored one."""
        convert = self.kind.to_storage if self.kind.stored_as else None
        return convert(obj) if convert else obj

    @property
    def shows_stored(self) -> bool:
        """Whether stored objects are shown as they are."""
        return self.conversion is None and self.from_stored is None

    async def shown(self, objects: Sequence[Object], *, remember: bool = True) -> Sequence[Object]:
        """Stored objects as this version shows them; shared. `remember`: they are written; raises ApiError."""
        if self.conversion is not None:
            return await self.conversion.shown(objects, remember=remember)
        convert = self.from_stored
        return [convert(obj) for obj in objects] if convert else objects

    async def opened(self, found: CachedObject) -> Object:
        """A private copy of a stored object in the version that writes work on; raises ApiError."""
        if self.conversion is None:
            obj: Object = orjson.loads(found.raw)
            return obj
        return deep_copy((await self.conversion.shown([found.obj]))[0])  # type: ignore[no-any-return]

    async def closed(self, obj: Object) -> Object:
        """An object of the version that writes work on, as it is to be stored; raises ApiError."""
        return obj if self.conversion is None else await self.conversion.stored(obj)

    def not_found(self, name: str) -> errors.NotFound:
        """The 404 in this version's words."""
        return errors.not_found(self.kind.resource.group, self.kind.resource.plural, name)

    def modified(self, name: str) -> errors.Conflict:
        """The 409 of a stale resourceVersion."""
        return errors.modified(self.kind.resource.group, self.kind.resource.plural, name)

    def conflict(self, name: str, why: str) -> errors.Conflict:
        """Another 409."""
        return errors.conflict(self.kind.resource.group, self.kind.resource.plural, name, why)

    def invalid(self, name: str, problems: list[FieldError]) -> ApiError:
        """The 422 for broken rules, which are of the stored kind unless it is a custom one."""
        return errors.invalid(self._ruling.resource.group, self._ruling.kind, name, problems)
