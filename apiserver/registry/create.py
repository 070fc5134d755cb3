"""POST: admission, strategy, validation, and the first write of an object."""

from __future__ import annotations

from functools import partial
from random import SystemRandom

from api.validation.objectmeta import validate_object_meta
from apimachinery import errors
from apimachinery.errors import AlreadyExists
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.uids import new_uid
from apiserver.registry import objectmeta, ownership
from apiserver.registry.context import WriteContext
from apiserver.registry.fieldversions import converting
from apiserver.registry.patience import by_size, patiently
from apiserver.registry.served import Served
from apiserver.watchcache.window import CachedObject

#: How often a generated name that is taken is drawn again.
_NAME_ATTEMPTS = 8
_random = SystemRandom()  # has no state that a fork would share


async def create(
    served: Served, obj: Object, context: WriteContext, *, namespace: str, applies: bool = False
) -> CachedObject:
    """Create a decoded and defaulted object, in the version that writes work on; raises ApiError. `obj` becomes the
    registry's.

    `applies`: it comes from a server-side apply, which has settled managedFields itself."""
    objectmeta.settle_namespace(obj, namespace, namespaced=served.kind.resource.namespaced)
    objectmeta.check_version_on_create(obj)
    if not applies:
        owned = partial(ownership.on_create, served, obj, context)
        await converting(context, lambda: by_size(owned, context.size))
    await served.admission.admit(context.attributes, obj, None)
    metadata = objectmeta.metadata_of(obj)
    base = "" if metadata.get("name") else metadata.get("generateName") or ""
    objectmeta.fill_on_create(obj, context.now, new_uid())
    if base:
        metadata["name"] = objectmeta.generated_name(base, _random)
    await check(served, obj, context)
    context.warnings += await served.admission.validate(context.attributes, obj, None)
    for _ in range(_NAME_ATTEMPTS if base else 0):
        try:
            return await _write(served, obj, context)
        except AlreadyExists:
            metadata["name"] = objectmeta.generated_name(base, _random)
    return await _write(served, obj, context)


async def check(served: Served, obj: Object, context: WriteContext) -> None:
    """Prepare and validate a new object; raises Invalid."""
    strategy = served.strategy("")
    user = context.attributes.user
    strategy.record_creator(obj, user.name, user.uid, user.groups, user.extra)
    strategy.prepare_create(obj)
    kind = served.kind
    problems = validate_object_meta(
        obj["metadata"],
        kind.resource.namespaced,
        strategy.name_rule,
        standard_finalizers=strategy.standard_finalizers,
    )
    problems += await patiently(partial(strategy.validate, obj), obj)
    if problems:
        raise served.invalid(name_of(obj), problems)
    context.warnings += strategy.warnings(obj, None)


async def _write(served: Served, obj: Object, context: WriteContext) -> CachedObject:
    store = served.store
    obj = await served.closed(obj)
    if not context.dry_run:
        return await store.insert(obj)
    if await store.fresh(namespace_of(obj), name_of(obj)) is not None:
        resource = served.kind.resource
        raise errors.already_exists(resource.group, resource.plural, name_of(obj))
    return store.rehearsed(obj, None)
