"""DELETE of objects and collections: carries out what `deletion.plan` decides, until nothing changed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from apimachinery.errors import ApiError, NotFound
from apiserver.registry import deletion
from apiserver.registry.context import DeleteOptions, WriteContext
from apiserver.registry.deletion import Outcome
from apiserver.registry.served import Served
from apiserver.storage.interface import Mismatch
from apiserver.watchcache.encoding import object_at_revision
from apiserver.watchcache.window import CachedObject

_MAX_TRIES = 100


@dataclass(frozen=True, slots=True)
class Deleted:
    """What a delete came to: `removed` says whether the object is gone."""

    object: CachedObject
    removed: bool
    written: bool = True  #: False: nothing was to be changed


async def delete(served: Served, namespace: str, name: str, options: DeleteOptions, context: WriteContext) -> Deleted:
    """Delete one object; raises ApiError."""
    store = served.store
    current = store.cached(namespace, name)
    certain = False  # whether `current` is known to be the newest state
    admitted = False
    for _ in range(_MAX_TRIES):
        if current is None and not certain:
            current, certain = await store.fresh(namespace, name), True
        if current is None:
            raise served.not_found(name)
        if not admitted:
            await _admit(served, current, context)
            admitted = True
        try:
            done = await _try(served, current, options, context)
        except Mismatch as mismatch:
            current, certain = store.of_stored(mismatch.current) if mismatch.current else None, True
            continue
        except ApiError:
            if certain:
                raise
            done = None
        if done is not None and (certain or done.written):
            return done
        current, certain = await store.fresh(namespace, name), True
    raise served.modified(name)


async def _admit(served: Served, current: CachedObject, context: WriteContext) -> None:
    old = await served.opened(current)
    await served.admission.admit(context.attributes, None, old)
    context.warnings += await served.admission.validate(context.attributes, None, old)


async def _try(served: Served, current: CachedObject, options: DeleteOptions, context: WriteContext) -> Deleted:
    store = served.store
    planned = deletion.plan(served.stored_kind, orjson.loads(current.raw), options, context.now)
    outcome = planned.outcome
    if outcome is Outcome.NOTHING or (outcome is Outcome.UPDATE and planned.obj == current.obj):
        return Deleted(current, removed=False, written=False)
    if context.dry_run:
        gone = outcome is not Outcome.UPDATE
        return Deleted(store.unsaved(planned.obj, current.revision), removed=gone, written=False)
    if outcome is not Outcome.REMOVE:
        current = await store.replace(planned.obj, current)
    if outcome is Outcome.UPDATE:
        return Deleted(current, removed=False)
    revision = await store.remove(current)
    return Deleted(store.unsaved(object_at_revision(current.obj, revision), revision), removed=True)


async def delete_collection(
    served: Served, targets: Sequence[CachedObject], options: DeleteOptions, context: WriteContext
) -> list[CachedObject]:
    """Delete each of these; what is gone meanwhile is passed over. Returns the objects as they were answered."""
    answered = []
    for target in targets:
        attributes = replace(context.attributes, name=target.name, namespace=target.namespace)
        single = WriteContext(
            attributes, context.now, context.dry_run, context.field_manager, warnings=context.warnings
        )
        try:
            answered.append((await delete(served, target.namespace, target.name, options, single)).object)
        except NotFound:
            continue
    return answered
