"""PUT and PATCH: a change as a function of the stored object, tried again until it is written over what it saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from api.kind import Strategy
from api.validation.objectmeta import validate_kube_finalizers, validate_object_meta, validate_object_meta_update
from apimachinery import fielderrors as fe
from apimachinery.errors import AlreadyExists, ApiError
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of, uid_of
from apiserver.registry import create, objectmeta, ownership
from apiserver.registry.context import WriteContext
from apiserver.registry.fieldversions import converting
from apiserver.registry.patience import by_size, patiently
from apiserver.registry.served import Served
from apiserver.storage.interface import Mismatch
from apiserver.watchcache.window import CachedObject

#: Makes the wanted object of a private copy of the present one (None: absent), both in the version that writes work on.
#: Called once per try, and pure but for that copy; raises ApiError.
Change = Callable[[Object | None], Object]

_MAX_TRIES = 100


@dataclass(frozen=True, slots=True)
class Update:
    """One change of one object."""

    namespace: str
    name: str
    change: Change
    subresource: str = ""
    create_if_absent: bool = False
    may_create: Callable[[], Awaitable[None]] | None = None  #: raises Forbidden where the user may only update
    applies: bool = False  #: server-side apply: `change` has settled managedFields itself
    check_uid: bool = True  #: whether a uid in the wanted object is a precondition


@dataclass(frozen=True, slots=True)
class Updated:
    """What came of it."""

    object: CachedObject
    created: bool = False


async def update(served: Served, request: Update, context: WriteContext) -> Updated:
    """Carry a change out; raises ApiError."""
    store = served.store
    current = store.cached(request.namespace, request.name)
    certain = False  # whether `current` is known to be the newest state
    for _ in range(_MAX_TRIES):
        if current is None and not certain:
            current, certain = await store.fresh(request.namespace, request.name), True
        if current is None:
            try:
                return await _create(served, request, context)
            except AlreadyExists:  # another was faster: then it is an update
                current = await store.fresh(request.namespace, request.name)
                continue
        try:
            return await _try(served, request, context, current, certain=certain)
        except Mismatch as mismatch:
            current, certain = _after(served, mismatch), mismatch.current is None
        except _Uncertain:
            current, certain = await store.fresh(request.namespace, request.name), True
        except ApiError:
            if certain:
                raise
            newest = await store.fresh(request.namespace, request.name)
            if newest is not None and newest.revision == current.revision:
                raise
            current, certain = newest, True
    raise served.modified(request.name)


class _Uncertain(Exception):
    """The change is none at all, seen from a state that may be old."""


def _after(served: Served, mismatch: Mismatch) -> CachedObject | None:
    if mismatch.current is None or not mismatch.key.startswith(served.store.cache.prefix):
        return None
    return served.store.of_stored(mismatch.current)


async def _create(served: Served, request: Update, context: WriteContext) -> Updated:
    if not request.create_if_absent:
        raise served.not_found(request.name)
    if request.may_create is not None:
        await request.may_create()
    obj = await by_size(lambda: request.change(None), context.size)
    if uid := uid_of(obj):
        raise served.conflict(request.name, _uid_text(served, request, uid, ""))
    # To admission it is a create, whatever verb it came by.
    context = replace(context, attributes=replace(context.attributes, verb="create"))
    made = await create.create(served, obj, context, namespace=request.namespace, applies=request.applies)
    return Updated(made, created=True)


async def _try(
    served: Served, request: Update, context: WriteContext, current: CachedObject, *, certain: bool
) -> Updated:
    old = await served.opened(current)
    new = await converting(context, lambda: _owned(served, request, context, current, old))
    await _settle(served, request, context, new, old, current)
    store = served.store
    gone = _is_gone(served, new, old)
    new = await served.closed(new)
    if gone:
        revision = current.revision if context.dry_run else await store.remove(current)
        return Updated(store.unsaved(new, revision))
    if new == (old if served.conversion is None else current.obj):
        if not certain:
            raise _Uncertain
        if context.dry_run or not await store.is_stale(current):
            return Updated(current)
    if context.dry_run:
        return Updated(store.rehearsed(new, current))
    return Updated(await store.replace(new, current))


async def _owned(served: Served, request: Update, context: WriteContext, current: CachedObject, old: Object) -> Object:
    """The wanted object, with managedFields that say who owns what in it; raises ApiError."""
    present = await served.opened(current)

    def decide() -> Object:
        new = request.change(present)
        if request.check_uid and (uid := uid_of(new)) and uid != uid_of(old):
            raise served.conflict(request.name, _uid_text(served, request, uid, uid_of(old)))
        if not request.applies:
            ownership.on_update(served, new, old, context, request.subresource)
        return new

    return await by_size(decide, max(context.size, len(current.raw)))


async def _settle(
    served: Served, request: Update, context: WriteContext, new: Object, old: Object, current: CachedObject
) -> None:
    """Everything between the wanted object and the one to write; raises ApiError."""
    strategy = served.strategy(request.subresource)
    await served.admission.admit(context.attributes, new, old)
    _check_version(served, strategy, new, current)
    objectmeta.carry_over(new, old)
    strategy.prepare_update(new, old)
    strategy.note_time(new, old, context.now)
    objectmeta.restore_system_fields(new, old)
    problems = _metadata_problems(served, strategy, new, old)
    problems += await patiently(lambda: strategy.validate_update(new, old), new)
    if problems:
        raise served.invalid(name_of(old), problems)
    context.warnings += strategy.warnings(new, old)
    context.warnings += await served.admission.validate(context.attributes, new, old)


def _metadata_problems(served: Served, strategy: Strategy, new: Object, old: Object) -> list[FieldError]:
    """The reference checks metadata by the common rules and again by each kind's: so every cause is told twice."""
    meta = new["metadata"]
    problems = validate_object_meta_update(meta, old["metadata"]) * 2
    if strategy.standard_finalizers:
        problems += validate_kube_finalizers(meta)
    if strategy.checks_metadata_anew:
        problems += validate_object_meta(meta, served.kind.resource.namespaced, strategy.name_rule)
    return problems


async def rewrite(
    served: Served, namespace: str, name: str, change: Callable[[Object], Object], *, dry_run: bool = False
) -> CachedObject:
    """Change a stored object outside its strategy (bindings and the like), tried again until written; raises ApiError.

    `change` is given a private copy and returns it changed."""
    store = served.store
    current = store.cached(namespace, name)
    certain = False  # whether `current` is known to be the newest state
    for _ in range(_MAX_TRIES):
        if current is None and not certain:
            current, certain = await store.fresh(namespace, name), True
        if current is None:
            raise served.not_found(name)
        try:
            new = await served.closed(change(await served.opened(current)))
            return store.rehearsed(new, current) if dry_run else await store.replace(new, current)
        except Mismatch as mismatch:
            current, certain = _after(served, mismatch), True
        except ApiError:
            if certain:
                raise
            current, certain = await store.fresh(namespace, name), True
    raise served.modified(name)


def _check_version(served: Served, strategy: Strategy, new: Object, current: CachedObject) -> None:
    metadata = objectmeta.metadata_of(new)
    version = objectmeta.parse_version(metadata.get("resourceVersion") or "")
    if version == 0:
        if not strategy.allow_unconditional_update:
            problem = fe.FieldError(
                "FieldValueInvalid",
                "metadata.resourceVersion",
                "Invalid value: 0x0: must be specified for an update",
            )
            raise served.invalid(current.name, [problem])
        metadata["resourceVersion"] = str(current.revision)
    elif version != current.revision:
        raise served.modified(current.name)


def _is_gone(served: Served, new: Object, old: Object) -> bool:
    """Whether this update takes away the last thing that kept a deleted object (ShouldDeleteDuringUpdate)."""
    metadata = new["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if (new.get("spec") or {}).get("finalizers") and served.kind.resource.group_resource == "namespaces":
        return False
    return not old["metadata"].get("deletionGracePeriodSeconds")


def _uid_text(served: Served, request: Update, wanted: str, actual: str) -> str:
    key = served.store.cache.key(request.namespace, request.name)
    return (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {actual}"
    )
