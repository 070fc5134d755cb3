"""Gives every active namespace its ServiceAccount `default`, and puts it back when it is deleted."""

from __future__ import annotations

from api.resources import NAMESPACES, SERVICE_ACCOUNTS
from apimachinery.errors import AlreadyExists, ApiError
from apimachinery.meta import Resource
from apimachinery.objects import Object, is_deleting, name_of, namespace_of
from controller.context import Context
from controller.loop import Controller

DEFAULT = "default"


class ServiceAccountController(Controller):
    """Keys are names of namespaces."""

    name = "serviceaccount"

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        super().__init__(context, workers=workers)
        self._namespaces = self.watch(NAMESPACES)
        self._accounts = self.watch(SERVICE_ACCOUNTS)
        self._namespaces.on_change(self.enqueue_changed)
        self._accounts.on_change(self._account_changed)

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name_of(old) == DEFAULT:
            self.queue.add(namespace_of(old))

    async def sync(self, key: str) -> None:
        """Create the account where it is missing."""
        namespace = self._namespaces.store.get(key)
        if namespace is None or is_deleting(namespace) or self._accounts.store.get(f"{key}/{DEFAULT}"):
            return
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": DEFAULT, "namespace": key}}
        await create_in_namespace(self, SERVICE_ACCOUNTS, account)


async def create_in_namespace(controller: Controller, resource: Resource, obj: Object) -> None:
    """Create what every namespace has; a namespace that is going away needs it no more."""
    try:
        await controller.client.create(resource, obj)
    except AlreadyExists:
        return
    except ApiError as error:
        if any(cause.get("reason") == "NamespaceTerminating" for cause in (error.details or {}).get("causes") or ()):
            return
        raise
