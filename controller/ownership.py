"""Who controls what: the owner reference of a controller, and which objects it takes on or lets go.

The decisions are pure (pkg/controller's ControllerRefManager); `Adopter` does the writing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from apimachinery.errors import Conflict, Invalid, NotFound
from apimachinery.labels import Selector
from apimachinery.meta import Resource
from apimachinery.objects import Object, controller_of, is_deleting, labels_of, name_of, namespace_of, uid_of
from client.informer import Informer
from client.rest import RestClient

#: The index of informers' stores by the uid of the controlling owner.
OWNER_INDEX = "controller-uid"
#: The value under which objects of a namespace without a controller are found in it.
ORPHANS = "orphans-of/"


def index_by_owner(informer: Informer) -> None:
    """Have the informer's store index objects by their controller (or, without one, by `ORPHANS` + namespace)."""
    informer.add_index(OWNER_INDEX, owner_values)


def owner_values(obj: Object) -> Iterable[str]:
    """The index value of one object."""
    reference = controller_of(obj)
    return (reference["uid"],) if reference is not None else (ORPHANS + namespace_of(obj),)


def controller_reference(owner: Object, resource: Resource) -> dict[str, Any]:
    """The owner reference by which `owner` controls what it makes."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def refers_to(reference: dict[str, Any] | None, resource: Resource) -> bool:
    """Whether an owner reference is to an object of that resource (in any version of its group)."""
    if reference is None or reference.get("kind") != resource.kind:
        return False
    group = (reference.get("apiVersion") or "").rpartition("/")[0]
    return bool(group == resource.group)


@dataclass(slots=True)
class Claim:
    """What an owner does about the objects around it."""

    owned: list[Object] = field(default_factory=list)
    adopt: list[Object] = field(default_factory=list)
    release: list[Object] = field(default_factory=list)


def claim(owner: Object, selector: Selector, objects: Iterable[Object]) -> Claim:
    """Keep what is ours and matches, let go what is ours and does not, take on orphans that match."""
    out = Claim()
    uid, deleting = uid_of(owner), is_deleting(owner)
    for obj in objects:
        reference = controller_of(obj)
        matches = selector.matches(labels_of(obj))
        if reference is not None:
            if reference.get("uid") != uid:
                continue
            if matches:
                out.owned.append(obj)
            elif not deleting:
                out.release.append(obj)
        elif matches and not deleting and not is_deleting(obj):
            out.adopt.append(obj)
    return out


class Adopter:
    """Carries a claim out: adopts and releases objects of one resource. `finalizer` is one that the owner keeps on what
    it owns: it comes and goes with the owner reference."""

    def __init__(
        self, client: RestClient, owner_resource: Resource, resource: Resource, *, finalizer: str = ""
    ) -> None:
        self._finalizers = [finalizer] if finalizer else []
        self._client = client
        self._owner_resource = owner_resource
        self._resource = resource

    async def settle(
        self, owner: Object, claimed: Claim, *, still_there: Callable[[], Awaitable[bool]] | None = None
    ) -> list[Object]:
        """All that is the owner's once orphans are adopted and strangers released; raises ApiError."""
        out = list(claimed.owned)
        if claimed.adopt and await (still_there or self._checker(owner))():
            for obj in claimed.adopt:
                if await self._adopt(owner, obj):
                    out.append(obj)
        for obj in claimed.release:
            await self._release(owner, obj)
        return out

    def _checker(self, owner: Object) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            """Ask the server, not the cache: an owner that is being deleted must not adopt what was just orphaned."""
            try:
                live = await self._client.get(self._owner_resource, namespace_of(owner), name_of(owner))
            except NotFound:
                return False
            return uid_of(live) == uid_of(owner) and not is_deleting(live)

        return check

    async def _adopt(self, owner: Object, obj: Object) -> bool:
        reference = controller_reference(owner, self._owner_resource)
        metadata: Object = {"uid": uid_of(obj), "ownerReferences": [reference]}
        if self._finalizers:
            metadata["finalizers"] = self._finalizers
        patch = {"metadata": metadata}
        try:
            await self._client.patch(self._resource, namespace_of(obj), name_of(obj), patch, patch_type="strategic")
        except (NotFound, Conflict, Invalid):
            return False  # gone, another object by now, or someone else's
        return True

    async def _release(self, owner: Object, obj: Object) -> None:
        metadata: Object = {"uid": uid_of(obj), "ownerReferences": [{"$patch": "delete", "uid": uid_of(owner)}]}
        if self._finalizers:
            metadata["$deleteFromPrimitiveList/finalizers"] = self._finalizers
        patch = {"metadata": metadata}
        try:
            await self._client.patch(self._resource, namespace_of(obj), name_of(obj), patch, patch_type="strategic")
        except (NotFound, Conflict, Invalid):
            return  # gone, another object by now, or let go already
