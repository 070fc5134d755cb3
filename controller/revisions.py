"""ControllerRevisions: the templates that a daemon set or stateful set had, numbered, for `kubectl rollout undo`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.resources import CONTROLLER_REVISIONS
from apimachinery.errors import AlreadyExists, Conflict, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object, controller_of, labels_of, name_of, namespace_of, uid_of
from client.informer import Informer
from client.rest import RestClient
from controller.deployment.template import normalized, template_hash
from controller.ownership import OWNER_INDEX, controller_reference, index_by_owner

HASH_LABEL = "controller-revision-hash"
_DEFAULT_LIMIT = 10


class Revisions:
    """The revisions of all owners of one resource."""

    def __init__(self, client: RestClient, informer: Informer, resource: Resource) -> None:
        self._client = client
        self._store = informer.store
        self._resource = resource
        index_by_owner(informer)

    def of(self, owner: Object) -> list[Object]:
        """The owner's revisions, oldest first."""
        return sorted(self._store.by_index(OWNER_INDEX, uid_of(owner)), key=_number)

    async def current(self, owner: Object) -> str:
        """The hash of the owner's present template, recorded as its newest revision; raises ApiError."""
        known = self.of(owner)
        collisions = (owner.get("status") or {}).get("collisionCount") or 0
        wanted = build(owner, self._resource, collisions, _number(known[-1]) + 1 if known else 1)
        found = next((item for item in known if _same(item, wanted)), None)
        if found is None:
            await self._create(owner, wanted)
            return labels_of(wanted)[HASH_LABEL]
        if found is not known[-1]:
            # Back to an earlier template: it becomes the newest.
            await self._client.update(CONTROLLER_REVISIONS, {**found, "revision": _number(known[-1]) + 1})
        return labels_of(found)[HASH_LABEL]

    async def trim(self, owner: Object, in_use: Iterable[str]) -> None:
        """Delete the oldest revisions beyond the history limit; those of pods that are there stay."""
        limit = owner["spec"].get("revisionHistoryLimit")
        used = set(in_use)
        spare = [item for item in self.of(owner) if labels_of(item).get(HASH_LABEL) not in used]
        for item in spare[: max(len(spare) - (_DEFAULT_LIMIT if limit is None else limit), 0)]:
            try:
                await self._client.delete(CONTROLLER_REVISIONS, namespace_of(item), name_of(item), uid=uid_of(item))
            except NotFound:
                continue

    async def _create(self, owner: Object, wanted: Object) -> None:
        try:
            await self._client.create(CONTROLLER_REVISIONS, wanted)
        except AlreadyExists:
            found = await self._client.get(CONTROLLER_REVISIONS, namespace_of(wanted), name_of(wanted))
            if _same(found, wanted) and (controller_of(found) or {}).get("uid") == uid_of(owner):
                return  # ours, not in the cache yet
            status = owner.get("status") or {}
            changed = {**owner, "status": {**status, "collisionCount": (status.get("collisionCount") or 0) + 1}}
            await self._client.update(self._resource, changed, subresource="status")
            raise Conflict(f'revision name "{name_of(wanted)}" is taken; trying another one') from None


def build(owner: Object, resource: Resource, collisions: int, number: int) -> Object:
    """The revision of the owner's present template. Its data is the patch that brings the template back.

    Clients (kubectl rollout undo) compare it byte by byte with the patch that they would write: keys are in order."""
    template = owner["spec"]["template"]
    hash = template_hash(template, collisions)
    return {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": {
            "name": f"{name_of(owner)}-{hash}",
            "namespace": namespace_of(owner),
            "labels": {**labels_of(template), HASH_LABEL: hash},
            "ownerReferences": [controller_reference(owner, resource)],
        },
        "data": _in_order({"spec": {"template": {**template, "$patch": "replace"}}}),
        "revision": number,
    }


def _in_order(value: Any) -> Any:
    """The value with the keys of all its objects sorted."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    return value


def _number(revision: Object) -> int:
    return int(revision.get("revision") or 0)


def _same(one: Object, other: Object) -> bool:
    return normalized(template_of(one)) == normalized(template_of(other))


def template_of(revision: Object) -> Object:
    """The pod template that the revision keeps."""
    found: Object = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    return found
