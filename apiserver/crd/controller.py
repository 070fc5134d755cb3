"""Follow the CustomResourceDefinitions: accept names, serve what they define, and clean up behind them.

Every API server of one store does all of it: the writes are conditional, and what one has done the others find done."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from api.apiextensions import conditions
from api.resources import CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, is_deleting, name_of, uid_of
from apiserver.crd import names
from apiserver.crd import openapimetrics as openapi
from apiserver.crd.conversion.webhook import WebhookConversion
from apiserver.crd.kinds import Definition, Version, definition_of
from apiserver.interfaces import Attributes, Loopback, UserInfo
from apiserver.registry import delete
from apiserver.registry.context import DeleteOptions, WriteContext
from apiserver.registry.registry import Key, Registry, key_of
from apiserver.registry.served import Served
from apiserver.registry.store import ResourceStore
from apiserver.storage.interface import StorageError
from apiserver.webhooks.caller import Caller

logger = logging.getLogger(__name__)

#: How often the definitions are looked at; a look at unchanged ones is a comparison of two numbers.
_LOOK_SECONDS = 0.1
#: After what could not be done, and while objects of a deleted definition are leaving.
_RETRY_SECONDS = 0.5
_USER = UserInfo("system:apiserver", groups=("system:masters", "system:authenticated"))


@dataclass(frozen=True, slots=True)
class _Live:
    """One definition as it is served now."""

    form: bytes  #: whatever the kinds depend on: another one is served anew
    store: ResourceStore
    stored: Served
    keys: tuple[Key, ...]


class CustomResources:
    """The kinds that definitions add to one API server's registry."""

    def __init__(self, registry: Registry, loopback: Loopback, caller: Caller) -> None:
        self._registry = registry
        self._loopback = loopback
        self._caller = caller
        self._live: dict[str, _Live] = {}
        self._lock = asyncio.Lock()
        self._caught_up = -1
        registry.catch_up = self.catch_up

    async def run(self) -> None:
        """Follow the definitions for ever, once `sync` has served what there was at the start."""
        cache = self._registry.of(CUSTOM_RESOURCE_DEFINITIONS).store.cache
        seen = -1
        while True:
            if cache.version == seen:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            version = cache.version
            if await self.sync():
                seen = version
            else:
                await asyncio.sleep(_RETRY_SECONDS)

    async def catch_up(self) -> None:
        """Serve what the definitions seen so far define: for a request that is faster than `run`."""
        version = self._registry.of(CUSTOM_RESOURCE_DEFINITIONS).store.cache.version
        if version != self._caught_up:
            await self.sync()
            self._caught_up = version

    async def sync(self) -> bool:
        """Bring everything in line with the definitions; whether nothing is left to do."""
        async with self._lock:
            return await self._sync_all()

    async def _sync_all(self) -> bool:
        crds = {name_of(crd): crd for crd in self._loopback.list(CUSTOM_RESOURCE_DEFINITIONS)}
        for name in self._live.keys() - crds.keys():
            self._withdraw(name)
        done = True
        for name, crd in tuple(crds.items()):
            try:
                done = await self._sync(crd, crds) and done
            except (Conflict, NotFound):
                done = False  # another server was faster, or the definition has changed: look again
            except (ApiError, StorageError) as error:
                logger.warning("A definition is not served yet", extra={"definition": name, "error": str(error)})
                done = False
            except Exception:
                # One definition that this program cannot digest must not end the server with all others.
                logger.exception("A definition cannot be served", extra={"definition": name})
        return done

    async def _sync(self, crd: Object, crds: dict[str, Object]) -> bool:
        now = datetime.now(UTC)
        status = names.settled(crd, crds.values(), now)
        wanted = {**crd, "status": status}
        if conditions.is_true(wanted, "Established"):
            await self._serve(wanted)
        if is_deleting(crd):
            return await self._clean_up(crd, now)
        if status != crd.get("status"):
            await self._loopback.update(CUSTOM_RESOURCE_DEFINITIONS, wanted, "status")
            crds[name_of(crd)] = wanted  # the next one must find these names taken
            return False
        return True

    async def _serve(self, crd: Object) -> None:
        """Serve the definition as it is now; what it says of other things leaves the served kinds as they are."""
        form = _form_of(crd)
        former = self._live.get(name_of(crd))
        if former is not None and former.form == form:
            return
        definition = definition_of(crd)
        if former is not None:
            self._registry.close_store(former.store, keep_cache=True)
        store = self._registry.open_store(definition.stored.kind)
        await self._registry.feed.fill(store.cache)
        family: dict[str, Served] = {}
        for version in definition.versions:
            self._version(definition, version, store, family)
        stored = family[definition.stored.kind.resource.api_version]
        keys = tuple(key_of(version.kind) for version in definition.served)
        gone = former.keys if former else ()
        self._registry.exchange(gone, [family[version.kind.resource.api_version] for version in definition.served])
        self._live[name_of(crd)] = _Live(form, store, stored, keys)
        openapi.changed(name_of(crd), (key[:2] for key in keys), "update" if former is not None else "add")
        logger.info(
            "Serving a custom resource", extra={"definition": name_of(crd), "versions": [key[1] for key in keys]}
        )

    def _version(
        self, definition: Definition, version: Version, store: ResourceStore, family: dict[str, Served]
    ) -> Served:
        conversion = None
        if definition.webhook is not None:
            storage = definition.stored.kind.resource
            conversion = WebhookConversion(
                definition.webhook, version.kind.resource, storage, version.settle, self._caller
            )
        return Served(version.kind, store, version.schema, self._registry.admission, conversion, family)

    def _withdraw(self, name: str) -> None:
        live = self._live.pop(name)
        self._registry.exchange(live.keys)
        self._registry.close_store(live.store)
        openapi.changed(name, (key[:2] for key in live.keys), "remove")
        logger.info("No longer serving a custom resource", extra={"definition": name})

    async def _clean_up(self, crd: Object, now: datetime) -> bool:
        """Delete the objects of a definition that is being deleted, then let go of it; whether that is done."""
        finalizers = crd["metadata"].get("finalizers") or []
        if conditions.FINALIZER not in finalizers:
            return True
        live = self._live.get(name_of(crd))
        if live is None:
            told = ("False", "NeverEstablished", "resource was never established")
        else:
            crd = await self._begin_deleting(crd, now)
            await self._delete_all(live, now)
            if len(live.store.cache):
                return False
            told = ("False", "InstanceDeletionCompleted", "removed all instances")
        status = conditions.with_condition(crd.get("status") or {}, "Terminating", *told, now)
        kept = [each for each in finalizers if each != conditions.FINALIZER]
        freed = {**crd, "status": status, "metadata": {**crd["metadata"], "finalizers": kept}}
        await self._loopback.update(CUSTOM_RESOURCE_DEFINITIONS, freed)
        return True

    async def _begin_deleting(self, crd: Object, now: datetime) -> Object:
        """Say that objects are being deleted; the definition as it is then."""
        status, told = crd.get("status") or {}, ("InstanceDeletionInProgress", "CustomResource deletion is in progress")
        if conditions.condition(status, "Terminating").get("reason") == told[0]:
            return crd
        status = conditions.with_condition(status, "Terminating", "True", *told, now)
        return await self._loopback.update(CUSTOM_RESOURCE_DEFINITIONS, {**crd, "status": status}, "status")

    async def _delete_all(self, live: _Live, now: datetime) -> None:
        resource = live.store.kind.resource
        await self._registry.feed.fresh()
        for item in tuple(live.store.cache.list()):
            if is_deleting(item.obj):
                continue  # its finalizers are somebody's to take away
            attributes = Attributes(
                user=_USER, verb="delete", path=resource.path(item.namespace, item.name), group=resource.group,
                version=resource.version, resource=resource.plural, namespace=item.namespace, name=item.name,
            )  # fmt: skip
            try:
                context = WriteContext(attributes, now)
                await delete.delete(live.stored, item.namespace, item.name, DeleteOptions(), context)
            except NotFound:
                continue


def _form_of(crd: Object) -> bytes:
    """Everything of a definition that its kinds depend on, as bytes to compare."""
    status = crd["status"]
    parts = [uid_of(crd), crd["metadata"].get("generation"), is_deleting(crd)]
    parts += [status.get("acceptedNames"), status.get("storedVersions")]
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
