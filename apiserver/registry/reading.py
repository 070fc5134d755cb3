"""GET, LIST and WATCH: from the cache, as fresh as the request's resourceVersion asks for.

Only chunks after the first, and lists at an exact older revision, are read from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apimachinery import errors
from apimachinery import fielderrors as fe
from apimachinery.errors import Gone
from apimachinery.fielderrors import FieldError
from apiserver.registry import continuation
from apiserver.registry.continuation import INCONSISTENT, Continuation
from apiserver.registry.objectmeta import parse_version
from apiserver.registry.selection import Selection
from apiserver.registry.served import Served
from apiserver.storage.interface import Compacted, FutureRevision
from apiserver.watchcache.feed import too_large
from apiserver.watchcache.watcher import Watcher
from apiserver.watchcache.window import CachedObject, Transform

EXACT, NOT_OLDER_THAN = "Exact", "NotOlderThan"
_STORE_PAGE = 500


@dataclass(frozen=True, slots=True)
class ListOptions:
    """meta/v1 ListOptions without the selectors, as strings still to be checked."""

    resource_version: str = ""
    resource_version_match: str = ""
    limit: int = 0
    continue_token: str = ""
    watch: bool = False
    allow_bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One answer to a list."""

    items: Sequence[CachedObject]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


def check(options: ListOptions) -> None:
    """Raises the 422 of options that contradict each other (ValidateListOptions)."""
    problems = _problems(options)
    if problems:
        raise errors.invalid("meta.k8s.io", "ListOptions", "", problems)


def _problems(options: ListOptions) -> list[FieldError]:
    field, match = "resourceVersionMatch", options.resource_version_match
    if options.watch:
        if options.send_initial_events is None:
            return [fe.forbidden(field, f"{field} is forbidden for watch")] if match else []
        if match != NOT_OLDER_THAN:
            why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            return [fe.forbidden(field, why)]
        return []
    if options.send_initial_events is not None:
        return [fe.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")]
    if not match:
        return []
    problems = []
    if not options.resource_version:
        problems.append(fe.forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
    if options.continue_token:
        problems.append(fe.forbidden(field, f"{field} is forbidden when continue is provided"))
    if match not in (EXACT, NOT_OLDER_THAN):
        problems.append(fe.not_supported(field, match, [EXACT, NOT_OLDER_THAN, ""]))
    if match == EXACT and options.resource_version == "0":
        problems.append(fe.forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
    return problems


async def get(served: Served, namespace: str, name: str, resource_version: str = "") -> CachedObject:
    """One object; raises NotFound."""
    await _reach(served, resource_version)
    found = served.store.cached(namespace, name)
    if found is None:
        raise served.not_found(name)
    return found


async def list_objects(served: Served, namespace: str, selection: Selection, options: ListOptions) -> Listed:
    """The selected objects, in key order, all of one revision; raises BadRequest, Invalid, Gone, Timeout."""
    if options.continue_token:
        token = continuation.decode(options.continue_token)
        if token.revision != INCONSISTENT:
            return await _from_store(served, namespace, selection, options.limit, token.revision, token.after)
        await served.store.feed.fresh()
        return _from_cache(served, namespace, selection, options.limit, token.after)
    if options.resource_version_match == EXACT:
        revision = parse_version(options.resource_version, field="resourceVersion")
        return await _from_store(served, namespace, selection, options.limit, revision, "")
    await _reach(served, options.resource_version)
    limit = 0 if options.resource_version == "0" else options.limit
    return _from_cache(served, namespace, selection, limit, "")


async def _reach(served: Served, resource_version: str) -> None:
    feed = served.store.feed
    if not resource_version:
        await feed.fresh()
    elif resource_version != "0" and (revision := parse_version(resource_version, field="resourceVersion")):
        await feed.reach(revision)


def _from_cache(served: Served, namespace: str, selection: Selection, limit: int, after: str) -> Listed:
    cache = served.store.cache
    if cache.unreadable:  # a list that leaves something out would tell controllers that it is gone
        cache.check_readable(namespace or selection.namespace, selection.name)
    revision = cache.revision
    candidates = _candidates(served, namespace, selection)
    if after:
        candidates = [item for item in candidates if item.key > after]
    matches = None if selection.only_equalities else selection.matches  # the candidates have the labels already
    if not limit:
        items = candidates if matches is None else [item for item in candidates if matches(item.obj)]
        found = Listed(items, revision)
    else:
        found = _chunk(candidates, selection, limit, revision, whole=True)
    cache.listings.add(len(candidates), len(found.items))
    return found


def _candidates(served: Served, namespace: str, selection: Selection) -> Sequence[CachedObject]:
    cache = served.store.cache
    if selection.namespace and not namespace and served.kind.resource.namespaced:
        namespace = selection.namespace
    if selection.name and (namespace or not served.kind.resource.namespaced):
        found = cache.get(namespace, selection.name)
        return [found] if found else []
    return cache.list(namespace, selection.equalities)


def _chunk(
    candidates: Sequence[CachedObject], selection: Selection, limit: int, revision: int, *, whole: bool, beyond: int = 0
) -> Listed:
    """The first `limit` matching candidates; `beyond` counts what the store has after them."""
    matches = selection.matches
    items: list[CachedObject] = []
    for index, item in enumerate(candidates):
        if matches is not None and not matches(item.obj):
            continue
        if len(items) == limit:
            token = continuation.encode(Continuation(revision, items[-1].key))
            remaining = len(candidates) - index + beyond if matches is None else None
            return Listed(items, revision, token, remaining)
        items.append(item)
    if not whole and items and beyond:
        token = continuation.encode(Continuation(revision, items[-1].key))
        return Listed(items, revision, token, beyond if matches is None else None)
    return Listed(items, revision)


async def _from_store(
    served: Served, namespace: str, selection: Selection, limit: int, revision: int, after: str
) -> Listed:
    """Read a snapshot at an exact revision, page by page until `limit` objects match."""
    store = served.store
    namespaced = namespace and served.kind.resource.namespaced
    prefix = store.cache.prefix + (f"{namespace}/" if namespaced else "")
    start = store.cache.prefix + after if after else ""
    found: list[CachedObject] = []
    selected = 0
    while True:
        try:
            page = await store.feed.storage.list(
                prefix, limit=limit + 1 if limit and selection.matches is None else _STORE_PAGE,
                start_after=start, revision=revision,
            )  # fmt: skip
        except Compacted as error:
            if after:
                raise continuation.expired(Continuation(revision, after)) from error
            raise Gone(f"The resourceVersion for the provided list is too old: {revision}") from error
        except FutureRevision as error:
            raise too_large(revision, store.cache.revision) from error
        newest = [store.of_stored(stored) for stored in page.items]
        found += newest
        selected += sum(selection.matches is None or selection.matches(item.obj) for item in newest)
        if (limit and selected > limit) or not page.remaining:
            break
        start = page.items[-1].key
    if not limit:
        matches = selection.matches
        listed = Listed([item for item in found if matches is None or matches(item.obj)], revision)
    else:
        listed = _chunk(found, selection, limit, revision, whole=not page.remaining, beyond=page.remaining)
    store.cache.store_listings.add(len(found), len(listed.items))
    return listed


async def watch(
    served: Served, namespace: str, selection: Selection, options: ListOptions, transform: Transform | None
) -> Watcher:
    """Follow the selected objects; raises BadRequest."""
    version = options.resource_version
    revision = parse_version(version, field="resourceVersion")
    if not version or options.send_initial_events:
        await _reach(served, "" if not revision else version)
    cache = served.store.cache
    if selection.namespace and not namespace and served.kind.resource.namespaced:
        namespace = selection.namespace
    initial = options.send_initial_events if options.send_initial_events is not None else not revision
    if initial and cache.unreadable:
        cache.check_readable(namespace, selection.name)
    return cache.watch(
        namespace,
        selection.name,
        selection.matches,
        trigger=selection.trigger,
        after=revision or None,
        initial_events=initial,
        initial_end=bool(options.send_initial_events) and options.allow_bookmarks,
        bookmarks=options.allow_bookmarks,
        transform=transform,
        convert=served.conversion.shown if served.conversion else None,
        api_version=served.kind.resource.api_version,
        timeout_seconds=options.timeout_seconds,
    )
