"""The REST verbs of every stored resource: options and bodies in, registry calls, views out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from weakref import WeakKeyDictionary

from aiohttp import web

from apimachinery.errors import BadRequest, UnsupportedMediaType
from apimachinery.objects import Object, name_of, uid_of
from apiserver.authz import forbidden_error
from apiserver.http import negotiate, params, reply, views
from apiserver.http.call import Call
from apiserver.http.negotiate import LIST_VIEWS, OBJECT_VIEWS, TABLE, YAML, Representation
from apiserver.http.reply import Pieces, Reply
from apiserver.http.request_info import first
from apiserver.http.watching import WatchStreams
from apiserver.interfaces import Authorizer, Decision
from apiserver.registry import create, decoding, delete, objectmeta, patching, reading, update
from apiserver.registry.context import WriteContext
from apiserver.registry.patience import by_size
from apiserver.registry.selection import compile_selection
from apiserver.registry.served import Served
from apiserver.registry.update import Update
from apiserver.watchcache.window import CachedObject, Transform

#: What a PUT or PATCH to these writes is the object itself.
OBJECT_SUBRESOURCES = frozenset({"", "status", "ephemeralcontainers", "approval", "finalize"})


class ResourceHandlers:
    """One instance serves all resources."""

    def __init__(self, streams: WatchStreams, authorizer: Authorizer, *, min_watch_seconds: float = 1800.0) -> None:
        self._streams = streams
        self._authorizer = authorizer
        self._min_watch_seconds = min_watch_seconds  #: a watch without timeoutSeconds lasts between this and twice this
        # By what is served, since custom resources are served anew when their definition changes.
        self._transforms: WeakKeyDictionary[Served, dict[tuple[str, ...], Transform | None]] = WeakKeyDictionary()

    async def handle(self, call: Call, served: Served) -> Reply | web.StreamResponse:
        """Dispatch on the verb, which the caller has found among the resource's."""
        match call.attributes.verb:
            case "get":
                return await self.get(call, served)
            case "list":
                return await self.list(call, served)
            case "watch":
                return await self.watch(call, served)
            case "create":
                return await self.create(call, served)
            case "update":
                return await self.update(call, served)
            case "patch":
                return await self.patch(call, served)
            case "delete":
                return await self.delete(call, served)
            case "deletecollection":
                return await self.delete_collection(call, served)
        raise reply.method_not_allowed()

    # Reads

    async def get(self, call: Call, served: Served) -> Reply:
        """GET of one object."""
        representation = call.representation(OBJECT_VIEWS)
        version = first(call.query, "resourceVersion") if call.query else ""
        found = await reading.get(served, call.info.namespace, call.info.name, version)
        return await self.answer(call, served, found, 200, representation)

    async def list(self, call: Call, served: Served) -> Reply:
        """GET of a collection."""
        representation = call.representation(LIST_VIEWS)
        options = params.list_options(call.query, watch=False)
        reading.check(options)
        selection = compile_selection(
            served.kind, first(call.query, "labelSelector"), first(call.query, "fieldSelector")
        )
        listed = await reading.list_objects(served, call.info.namespace, selection, options)
        metadata: Object = {"resourceVersion": str(listed.revision)}
        if listed.continue_token:
            metadata["continue"] = listed.continue_token
        if listed.remaining:
            metadata["remainingItemCount"] = listed.remaining
        return await self._list_answer(call, served, listed.items, metadata, representation)

    async def _list_answer(
        self,
        call: Call,
        served: Served,
        items: Sequence[CachedObject],
        metadata: Object,
        representation: Representation,
    ) -> Reply:
        typed_items = bool(served.kind.custom)
        size = _writing(representation, items)
        body: bytes | Pieces
        if not representation.view and served.shows_stored:
            body = views.list_body(served.kind, items, metadata, typed_items=typed_items)
            return await by_size(partial(reply.encoded, body, representation), size)
        objects = await served.shown([item.obj for item in items])
        if not representation.view:
            body = views.list_of_objects(served.kind, objects, metadata, typed_items=typed_items)
            return await by_size(partial(reply.encoded, body, representation), size)
        if representation.view == TABLE:
            include = first(call.query, "includeObject")
            shown = views.table(served.kind, objects, metadata, include, representation.view_version)
        else:
            shown = views.partial_metadata_list(objects, metadata)
        return await by_size(partial(reply.document, shown, representation), size)

    async def watch(self, call: Call, served: Served) -> web.StreamResponse:
        """A watch, chunked until its time is over or the client leaves."""
        representation = call.representation(OBJECT_VIEWS)
        options = params.list_options(call.query, watch=True)
        reading.check(options)
        if options.timeout_seconds is None:
            options = replace(options, timeout_seconds=self._min_watch_seconds * (1 + random.random()))
        selection = compile_selection(
            served.kind, first(call.query, "labelSelector"), first(call.query, "fieldSelector")
        )
        if call.info.name and not selection.name:
            selection = replace(selection, name=call.info.name)
        transform = self._transform(served, representation, first(call.query, "includeObject"))
        watcher = await reading.watch(served, call.info.namespace, selection, options, transform)
        return await self._streams.serve(call, watcher, served.kind.resource.kind)

    def _transform(self, served: Served, representation: Representation, include: str) -> Transform | None:
        """The same function for the same form: frames are shared among the watchers that ask for it."""
        known = self._transforms.setdefault(served, {})
        key = (representation.view, representation.view_version, include)
        if key not in known:
            known[key] = views.object_transform(
                served.kind, served.from_stored, representation.view, include, representation.view_version
            )
        return known[key]

    async def answer(
        self,
        call: Call,
        served: Served,
        found: CachedObject,
        status: int,
        representation: Representation,
        *,
        written: bool = True,
    ) -> Reply:
        """One object in the form asked for; `written`: it is what lies in the store."""
        if representation.is_plain_json and served.shows_stored:
            return Reply(status, found.raw + b"\n")
        (obj,) = await served.shown([found.obj], remember=written)
        if representation.view == TABLE:
            metadata = {"resourceVersion": str(found.revision)}
            include = first(call.query, "includeObject")
            obj = views.table(served.kind, [obj], metadata, include, representation.view_version)
        elif representation.view:
            obj = views.partial_metadata(obj)
        return await by_size(partial(reply.document, obj, representation, status), _writing(representation, [found]))

    # Writes

    async def create(self, call: Call, served: Served) -> Reply:
        """POST to a collection."""
        if call.info.name:
            raise reply.method_not_allowed()
        representation = call.representation(OBJECT_VIEWS)
        context = self.context(call, "create")
        decode = await self._decoder(call, served, context)
        obj = await by_size(lambda: decoding.to_stored_form(served, decode()), context.size)
        if name := name_of(obj):
            call.attributes = context.attributes = context.attributes.named(name)
        made = await create.create(served, obj, context, namespace=call.info.namespace)
        return await self.answer(call, served, made, 201, representation, written=not context.dry_run)

    async def update(self, call: Call, served: Served) -> Reply:
        """PUT of an object or of a subresource that writes it."""
        representation = call.representation(OBJECT_VIEWS)
        context = self.context(call, "update")
        decode = await self._decoder(call, served, context)
        told = len(context.warnings)

        def wanted() -> Object:
            del context.warnings[told:]
            obj = decode()
            self._settle(call, served, obj)
            return decoding.to_stored_form(served, obj)

        first_try = [await by_size(wanted, context.size)]

        def change(_: Object | None) -> Object:
            return first_try.pop() if first_try else wanted()

        strategy = served.strategy("")
        request = Update(
            call.info.namespace,
            call.info.name,
            change,
            call.info.subresource,
            create_if_absent=strategy.allow_create_on_update and not call.info.subresource,
            may_create=lambda: self._may_create(call),
        )
        done = await update.update(served, request, context)
        status = 201 if done.created else 200
        return await self.answer(call, served, done.object, status, representation, written=not context.dry_run)

    async def _may_create(self, call: Call) -> None:
        """An update or apply that creates needs the permission to create as well; raises Forbidden."""
        asked = replace(call.attributes, verb="create")
        decision, reason = await self._authorizer.authorize(asked)
        if decision is not Decision.ALLOW:
            raise forbidden_error(asked, reason)

    def _settle(self, call: Call, served: Served, obj: Object) -> None:
        namespaced = served.kind.resource.namespaced
        objectmeta.settle_identity(obj, call.info.name, call.info.namespace, namespaced=namespaced)

    async def patch(self, call: Call, served: Served) -> Reply:
        """PATCH of an object or of a subresource that writes it."""
        representation = call.representation(OBJECT_VIEWS)
        media_type = call.content_type.partition(";")[0].strip()
        if media_type not in patching.MEDIA_TYPES:
            raise UnsupportedMediaType("415: Unsupported Media Type", details={})
        if served.kind.custom and media_type == patching.STRATEGIC_MERGE_PATCH:
            accepted = ", ".join(each for each in patching.MEDIA_TYPES if each != media_type)
            text = "the body of the request was in an unknown format - accepted media types include: "
            raise UnsupportedMediaType(text + accepted)
        applies = media_type == patching.APPLY_PATCH
        context = self.context(call, "patch", applies=applies)
        force = first(call.query, "force") in ("true", "1")
        body = await call.body()
        context.size = len(body)
        patch = await by_size(partial(patching.parse, served, media_type, body, context, force=force), context.size)
        told = len(context.warnings)

        def change(live: Object | None) -> Object:
            del context.warnings[told:]
            wanted = patching.patched(served, patch, live, context, call.info.subresource)
            self._settle(call, served, wanted)
            return wanted

        request = Update(
            call.info.namespace,
            call.info.name,
            change,
            call.info.subresource,
            create_if_absent=applies and not call.info.subresource,
            may_create=lambda: self._may_create(call),
            applies=applies,
        )
        done = await update.update(served, request, context)
        status = 201 if done.created else 200
        return await self.answer(call, served, done.object, status, representation, written=not context.dry_run)

    async def delete(self, call: Call, served: Served) -> Reply:
        """DELETE of one object."""
        representation = call.representation(OBJECT_VIEWS)
        body, yaml = await self._body(call)
        options, dry_run = params.delete_options(call.query, body, yaml=yaml)
        context = WriteContext(
            replace(call.attributes, dry_run=dry_run, options=options.raw), datetime.now(UTC), dry_run,
            warnings=call.warnings,
        )  # fmt: skip
        done = await delete.delete(served, call.info.namespace, call.info.name, options, context)
        if done.removed and not served.kind.returns_deleted and not _was_graceful(served, done.object):
            return reply.document(reply.success_status(deleted_details(served, done.object)), representation)
        return await self.answer(call, served, done.object, 200, representation, written=not dry_run)

    async def delete_collection(self, call: Call, served: Served) -> Reply:
        """DELETE of a collection, answered with the list of what it held."""
        representation = call.representation(LIST_VIEWS)
        body, yaml = await self._body(call)
        options, dry_run = params.delete_options(call.query, body, yaml=yaml)
        listing = params.list_options(call.query, watch=False)
        selection = compile_selection(
            served.kind, first(call.query, "labelSelector"), first(call.query, "fieldSelector")
        )
        listed = await reading.list_objects(served, call.info.namespace, selection, listing)
        context = WriteContext(
            replace(call.attributes, dry_run=dry_run, options=options.raw), datetime.now(UTC), dry_run,
            warnings=call.warnings,
        )  # fmt: skip
        done = await delete.delete_collection(served, listed.items, options, context)
        metadata = {"resourceVersion": str(served.store.cache.revision)}
        return await self._list_answer(call, served, done, metadata, representation)

    def context(self, call: Call, verb: str, *, applies: bool = False) -> WriteContext:
        """The write context of a request; raises Invalid for bad options."""
        dry_run, manager, validation = params.write_options(call.query, verb, applies=applies)
        manager = params.manager_of(manager, call.user_agent)
        attributes = replace(call.attributes, dry_run=dry_run) if dry_run else call.attributes
        return WriteContext(attributes, datetime.now(UTC), dry_run, manager, validation, call.warnings)

    async def _decoder(self, call: Call, served: Served, context: WriteContext) -> Callable[[], Object]:
        """What makes the body a typed object of the served version, anew each time (it raises BadRequest); raises
        UnsupportedMediaType."""
        body, yaml = await self._body(call)
        context.size = len(body)
        if not body:
            raise BadRequest(
                f"the object provided is unrecognized (must be of type {served.kind.kind}): couldn't get version/kind; "
                "json parse error: unexpected end of JSON input ()"
            )
        return partial(
            decoding.decode_object,
            served,
            body,
            yaml=yaml,
            validation=context.field_validation,
            warnings=context.warnings,
        )

    async def _body(self, call: Call) -> tuple[bytes, bool]:
        body = await call.body()
        if not body:
            return body, False
        media_type = negotiate.body_media_type(call.content_type)
        return body, media_type == negotiate.YAML


def _writing(representation: Representation, items: Sequence[CachedObject]) -> int:
    """How many bytes there are to go through where that takes time: JSON is written in no time."""
    return sum(len(item.raw) for item in items) if representation.media_type == YAML else 0


def _was_graceful(served: Served, gone: CachedObject) -> bool:
    return served.stored_kind.strategy.grace_period_seconds(gone.obj, None) is not None


def deleted_details(served: Served, gone: CachedObject) -> Object:
    """Status.details of a delete."""
    details: Object = {"name": gone.name}
    if served.group:
        details["group"] = served.group
    return {**details, "kind": served.kind.resource.plural, "uid": uid_of(gone.obj)}
