"""The versions of a served resource, as `apimachinery.fieldmanager` asks for them. Pure but for `converting`.

Field management cannot wait for a conversion webhook: what it needs converted is noted, converted, and the decision
repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import orjson

from apimachinery.errors import InternalError
from apimachinery.fieldmanager.versions import NoSuchVersion
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import TypeSchema
from apiserver.registry.context import WriteContext
from apiserver.registry.served import Served

T = TypeVar("T")
#: Each round gets one object converted: two per version that entries name, and a few for what apply prunes.
_MAX_ROUNDS: Final = 64


class _Unconverted(Exception):
    """An object that a webhook has to convert first."""

    def __init__(self, obj: Object, target: Served) -> None:
        super().__init__()
        self.obj = obj
        self.target = target


class ResourceVersions:
    """Those of one resource (`apimachinery.fieldmanager.versions.Versions`), for one request."""

    def __init__(self, served: Served, context: WriteContext) -> None:
        self._served = served
        self._family = served.family
        self._known = context.conversions

    def knows(self, api_version: str) -> bool:
        """Entries of custom resources must not name versions that their definition does not have."""
        if api_version in self._family:
            return True
        if self._served.kind.custom:
            raise NoSuchVersion(f"request to convert CR to an invalid group/version: {api_version}")
        return False

    def schema(self, api_version: str) -> TypeSchema:
        """By the family."""
        return self._family[api_version].schema

    def converted(self, obj: Object, api_version: str) -> Object:
        """By function, or as a webhook has said; by name only where a definition asks for no more."""
        target = self._family[api_version]
        if target.conversion is not None:
            known = self._known.get(_key(obj, api_version))
            if known is None:
                raise _Unconverted(obj, target)
            return known
        if target.kind.custom:
            return {
                **obj,
                "apiVersion": api_version,
            }  # whole: what one version does not know is not lost on the way back
        stored = self._family[obj["apiVersion"]].to_stored(deep_copy(obj))
        return target.from_stored(stored) if target.from_stored else stored


async def converting(context: WriteContext, decide: Callable[[], Awaitable[T]]) -> T:
    """What `decide` comes to when all that it needs converted is; raises what it raises then."""
    for _ in range(_MAX_ROUNDS):
        try:
            return await decide()
        except _Unconverted as asked:
            (made,) = await asked.target.shown([asked.obj], remember=False)
            context.conversions[_key(asked.obj, asked.target.kind.resource.api_version)] = made
    raise InternalError("managedFields need ever more conversions")


def _key(obj: Object, api_version: str) -> tuple[str, bytes]:
    return api_version, orjson.dumps(obj)
