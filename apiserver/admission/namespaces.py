"""NamespaceLifecycle, NamespaceExists and NamespaceAutoProvision: what namespaces have to be there for a write."""

from __future__ import annotations

import time

from api.resources import NAMESPACES
from apimachinery import errors
from apimachinery.errors import AlreadyExists
from apimachinery.objects import Object
from apiserver.admission.base import Plugin, Setting, operation, refuse
from apiserver.interfaces import Attributes, Loopback

#: These may not be deleted.
_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})
_REVIEWS = "authorization.k8s.io"
#: After a namespace's deletion our cache may show it for a moment still.
_FORCED_LIVE_SECONDS = 30.0


class _NamespaceReader:
    """Looks a namespace up, in the store itself where the cache does not know it."""

    def __init__(self, api: Loopback) -> None:
        self._api = api

    async def get(self, name: str) -> Object | None:
        """The namespace, or None."""
        found = self._api.get(NAMESPACES, "", name)
        return found if found is not None else await self._api.get_live(NAMESPACES, "", name)


def _is_namespace(attributes: Attributes) -> bool:
    return attributes.resource == "namespaces" and not attributes.group


def _concerns(attributes: Attributes) -> bool:
    """Whether the request is about something in a namespace."""
    return bool(attributes.namespace) and not _is_namespace(attributes)


class NamespaceLifecycle(Plugin):
    """Nothing is created in a namespace that is absent or being deleted; the system's own stay."""

    name = "NamespaceLifecycle"
    verbs = frozenset({"create", "update", "delete"})

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._namespaces = _NamespaceReader(setting.api)
        self._deleted: dict[str, float] = {}

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Raises Forbidden, NotFound."""
        verb = operation(attributes)
        if _is_namespace(attributes):
            if verb == "delete" and not attributes.subresource:
                self._note_deletion(attributes)
            return
        # An access review may be about a namespace that does not exist; an update of what exists is not held up.
        if not _concerns(attributes) or verb != "create" or attributes.group == _REVIEWS:
            return
        namespace = await self._find(attributes.namespace)
        if namespace is None:
            raise errors.not_found("", "namespaces", attributes.namespace)
        if (namespace.get("status") or {}).get("phase") == "Terminating" or namespace["metadata"].get(
            "deletionTimestamp"
        ):
            raise _terminating(attributes, obj)

    def _note_deletion(self, attributes: Attributes) -> None:
        if attributes.name in _IMMORTAL:
            raise errors.forbidden("", "namespaces", attributes.name, "this namespace may not be deleted")
        now = time.monotonic()
        self._deleted = {name: until for name, until in self._deleted.items() if until > now}
        self._deleted[attributes.name] = now + _FORCED_LIVE_SECONDS

    async def _find(self, name: str) -> Object | None:
        if self._deleted.get(name, 0.0) > time.monotonic():
            return await self._api.get_live(NAMESPACES, "", name)
        return await self._namespaces.get(name)


def _terminating(attributes: Attributes, obj: Object | None) -> errors.Forbidden:
    why = f"unable to create new content in namespace {attributes.namespace} because it is being terminated"
    error = refuse(attributes, why, obj)
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {attributes.namespace} is being terminated",
        "field": "metadata.namespace",
    }
    error.details = {**(error.details or {}), "causes": [cause]}
    return error


class NamespaceExists(Plugin):
    """Every write is to a namespace that exists."""

    name = "NamespaceExists"
    verbs = frozenset({"create", "update", "delete"})

    def __init__(self, setting: Setting) -> None:
        self._namespaces = _NamespaceReader(setting.api)

    async def validate(self, attributes: Attributes, obj: Object | None, old: Object | None) -> list[str]:
        """Raises NotFound."""
        if _concerns(attributes) and await self._namespaces.get(attributes.namespace) is None:
            raise errors.not_found("", "namespaces", attributes.namespace)
        return []


class NamespaceAutoProvision(Plugin):
    """A namespace that a create needs is made."""

    name = "NamespaceAutoProvision"
    verbs = frozenset({"create"})

    def __init__(self, setting: Setting) -> None:
        self._api = setting.api
        self._namespaces = _NamespaceReader(setting.api)

    async def admit(self, attributes: Attributes, obj: Object | None, old: Object | None) -> None:
        """Create it unless it is there."""
        if attributes.dry_run or not _concerns(attributes) or attributes.group == _REVIEWS:
            return
        if await self._namespaces.get(attributes.namespace) is not None:
            return
        metadata = {"name": attributes.namespace}
        try:
            await self._api.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        except AlreadyExists:
            return
