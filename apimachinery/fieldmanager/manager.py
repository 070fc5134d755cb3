"""The two ways of writing an object: update, which notes who changed what, and apply, which merges and may conflict.

Pure. Sets of fields are in `fieldset.py`, the walks over objects in `walks.py`, the stored entries in `entries.py`, and
what entries of other versions mean for a write in `versions.py`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

import orjson

from apimachinery.errors import ApiError, Conflict
from apimachinery.fieldmanager import entries, fieldset, last_applied, validation, walks
from apimachinery.fieldmanager import versions as versioned
from apimachinery.fieldmanager.entries import APPLY, UPDATE, Entry, Managed, Manager
from apimachinery.fieldmanager.fieldset import SELF, FieldSet
from apimachinery.fieldmanager.versions import Differences, NoSuchVersion, OneSchema, Versions
from apimachinery.objects import Object, deep_copy, format_time
from apimachinery.schema.model import TypeSchema

_BEFORE_FIRST_APPLY: Final = "before-first-apply"
#: Fields that nobody owns: the server sets them, or they say which object it is.
_UNOWNED_METADATA: Final = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
    "resourceVersion",
)  # fmt: skip
_UNOWNED_ELEMENTS: Final = frozenset({SELF, *(f"f:{name}" for name in _UNOWNED_METADATA)})
#: What creators own is remembered of so many objects, but of none that is larger than so many bytes.
_MOST_CREATED: Final = 128
_LARGEST_CREATED: Final = 1 << 13
_created_before: dict[tuple[TypeSchema, frozenset[str], bytes], FieldSet] = {}


class TypedObjectError(ApiError):
    """An applied object that does not fit its schema: the reference answers 500 without a reason."""

    reason = ""


def update(
    live: Object | None,
    new: Object,
    *,
    manager: str,
    subresource: str,
    schema: TypeSchema,
    now: datetime,
    reset: Iterable[str] = (),
    versions: Versions | None = None,
) -> Object:
    """The object as written, with managedFields that name the manager as owner of all it changed.

    `live` is None on create. `reset` are the top-level fields that this write cannot set ("status" on a resource with
    a status subresource, "spec" on that subresource). `versions` are those of the resource; None: they differ by name.
    Neither object is changed: the result shares all but its metadata with `new`. Objects that were written without
    managedFields stay so until the first apply; those with an entry of a version that must not be lose them all."""
    versions = versions or OneSchema(schema)
    after = _untracked(new)
    try:
        managed = versioned.known(_managed_before(live, new, subresource), versions)
    except NoSuchVersion:
        return after
    before = _untracked(live) if live is not None else schema.zero
    who = entries.manager(manager, UPDATE, new.get("apiVersion") or "", subresource)
    if live is None and not managed:
        managed = _created(after, who, schema, now, frozenset(reset))
    elif managed or live is None:
        managed = entries.capped(_updated(before, after, managed, who, versions, now, frozenset(reset)))
    return _with_managed(after, managed)


def apply(
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    subresource: str,
    schema: TypeSchema,
    now: datetime,
    reset: Iterable[str] = (),
    versions: Versions | None = None,
) -> Object:
    """The live object (None: there is none) with the applied configuration merged into it, and its managedFields.

    `reset` and `versions` as for `update`. Raises Conflict where another manager owns a field that would change and
    `force` is not set, and an error without reason where the configuration does not fit the schema. Neither object is
    changed."""
    versions = versions or OneSchema(schema)
    if errors := validation.errors_in(schema, applied):
        raise TypedObjectError(f"failed to create typed patch object ({_described(applied)}): {errors}")
    managed = versioned.known(entries.of_object(live), versions)
    before = _untracked(live) if live is not None else deep_copy(schema.zero)  # what is merged shares its parts
    version = applied.get("apiVersion") or ""
    if not managed and live is not None:
        first = entries.manager(_BEFORE_FIRST_APPLY, UPDATE, version, subresource)
        managed = _updated(schema.zero, before, {}, first, versions, now, frozenset(reset))
    who = entries.manager(manager, APPLY, version, subresource)
    allowed: FieldSet = {}
    if manager == last_applied.MANAGER and live is not None:
        allowed = last_applied.claims(live, before, schema)
    merged, managed = _applied(
        before, applied, managed, who, versions, now, force=force, allowed=allowed, reset=frozenset(reset)
    )
    if manager == last_applied.MANAGER and live is not None:
        merged = last_applied.refreshed(live, merged, applied)
    return _with_managed(merged, managed)


def not_convertible(applied: Object, why: str) -> TypedObjectError:
    """The error for a merged object that the type's own decoder refuses."""
    return TypedObjectError(f"failed to convert new typed object ({_described(applied)}) to object: {why}")


def _managed_before(live: Object | None, new: Object, subresource: str) -> Managed:
    """The entries that the write starts from: the request may replace or reset them, but not through a subresource."""
    given = (new.get("metadata") or {}).get("managedFields")
    if subresource or given is None:
        return entries.of_object(live)
    if given in ([], [{}]):
        return {}
    return entries.read(given) or entries.of_object(live)


def _untracked(obj: Object) -> Object:
    """The object without managedFields; shares all else."""
    metadata = obj.get("metadata")
    if not metadata or "managedFields" not in metadata:
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def _with_managed(obj: Object, managed: Managed) -> Object:
    if not managed:
        return obj
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "managedFields": entries.write(managed)}}


def _created(obj: Object, who: Manager, schema: TypeSchema, now: datetime, reset: frozenset[str]) -> Managed:
    """The entry of whoever writes an object first: all that is in it but for what nobody set.

    Objects made from one template differ in what nobody owns alone: they share one set, which is found out once."""
    ownable = _ownable(obj)
    key = (schema, reset, orjson.dumps(ownable))
    fields = _created_before.get(key)
    if fields is None:
        fields = _settable(walks.differing(schema, schema.zero, ownable), reset)
        if len(key[-1]) <= _LARGEST_CREATED:
            if len(_created_before) >= _MOST_CREATED:
                _created_before.clear()
            _created_before[key] = fields
    return {who: Entry(fields, who.api_version, format_time(now))} if fields else {}


def _ownable(obj: Object) -> Object:
    """The object without the fields that nobody can own; shares all else."""
    out = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind", "metadata")}
    metadata = obj.get("metadata") or {}
    if rest := {name: value for name, value in metadata.items() if name not in _UNOWNED_METADATA}:
        out["metadata"] = rest
    return out


def _updated(
    before: Object,
    after: Object,
    managed: Managed,
    who: Manager,
    versions: Versions,
    now: datetime,
    reset: frozenset[str],
) -> Managed:
    """The entries after a write that is no apply: what changed belongs to its manager, and to nobody else."""
    differences = Differences(versions, before, after, partial(_settable, reset=reset))
    changed = _owned(differences.within(who.api_version).changed)
    managed = versioned.left(managed, differences)
    if changed:
        previous = managed.get(who)
        fields = fieldset.union(changed, previous.fields) if previous else changed
        managed[who] = Entry(fieldset.ordered(fields), who.api_version, format_time(now))
    return managed


def _owned(fields: FieldSet) -> FieldSet:
    """The paths that can have an owner."""
    metadata = fields.get("f:metadata")
    if metadata is None and "f:kind" not in fields and "f:apiVersion" not in fields:
        return fields
    out = {element: below for element, below in fields.items() if element not in ("f:kind", "f:apiVersion")}
    if metadata is not None:
        rest = {element: below for element, below in metadata.items() if element not in _UNOWNED_ELEMENTS}
        if rest:
            out["f:metadata"] = rest  # in its place: the order of a set is that of its making
        else:
            del out["f:metadata"]
    return out


def _settable(fields: FieldSet, reset: frozenset[str]) -> FieldSet:
    """The paths that are not below a field which the write cannot set."""
    if not any(f"f:{name}" in fields for name in reset):
        return fields
    return {element: below for element, below in fields.items() if element[2:] not in reset}


def _applied(
    live: Object,
    applied: Object,
    managed: Managed,
    who: Manager,
    versions: Versions,
    now: datetime,
    *,
    force: bool,
    allowed: FieldSet,
    reset: frozenset[str],
) -> tuple[Object, Managed]:
    version = applied.get("apiVersion") or ""
    schema = versions.schema(version)
    merged: Object = walks.merge(schema, live, applied)
    claimed = _settable(walks.fields_of(schema, applied), reset)
    last = managed.get(who)
    others = {other: entry for other, entry in managed.items() if other != who}
    if last is not None:
        owned = versioned.owned_by_version([Entry(claimed, version), *others.values()])
        merged = _pruned(versions, merged, last, owned)
    differences = Differences(versions, live, merged, partial(_settable, reset=reset))
    if not force:
        _refuse_conflicts(others, differences, allowed)
    out = versioned.left(others, differences)
    unchanged = live == merged
    mine = _owned(claimed)
    if mine:
        time = (last.time if last else "") if unchanged else format_time(now)
        out[who] = Entry(fieldset.ordered(mine), version, time)
    return merged, out


def _pruned(versions: Versions, merged: Object, last: Entry, owned: dict[str, FieldSet]) -> Object:
    """The merged object without what the manager applied last time, does not apply now, and no one else owns.

    `owned` is what all own now, by version."""
    version, schema = last.api_version, versions.schema(last.api_version)
    named = partial(walks.with_named_fields, schema)
    was = versioned.in_version(versions, merged, version)
    pruned: Object = walks.without(schema, was, named(last.fields)) or {}
    # That version comes first: others may need fields to be converted from it.
    for each in (version, *(other for other in owned if other != version)):
        pruned = _with_owned(versions, merged, pruned, owned.get(each, {}), each)
    pruned = versioned.in_version(versions, pruned, version)
    # Of what is gone now, only what this manager itself had applied may go.
    gone = fieldset.difference(named(walks.fields_of(schema, was)), named(walks.fields_of(schema, pruned)))
    result: Object = walks.without(schema, was, fieldset.intersection(gone, named(last.fields))) or {}
    return versioned.in_version(versions, result, merged.get("apiVersion") or version)


def _with_owned(versions: Versions, merged: Object, pruned: Object, owned: FieldSet, version: str) -> Object:
    """The pruned object, in that version, with what is owned there as the merged one has it."""
    schema = versions.schema(version)
    named = partial(walks.with_named_fields, schema)
    whole = versioned.in_version(versions, merged, version)
    kept = fieldset.union(named(walks.fields_of(schema, versioned.in_version(versions, pruned, version))), named(owned))
    result: Object = (
        walks.without(schema, whole, fieldset.difference(named(walks.fields_of(schema, whole)), kept)) or {}
    )
    return result


def _refuse_conflicts(managed: Managed, differences: Differences, allowed: FieldSet) -> None:
    """Raise Conflict where other managers own fields that are about to change."""
    conflicts: list[tuple[Manager, str]] = []
    for who in sorted(managed):
        entry = managed[who]
        taken = fieldset.intersection(entry.fields, differences.within(entry.api_version).changed)
        if taken and allowed:
            taken = fieldset.difference(taken, allowed)
        conflicts += [(who, path) for path in fieldset.paths(taken)]
    if conflicts:
        raise Conflict(_conflict_text(conflicts), details={"causes": [_cause(*conflict) for conflict in conflicts]})


def _cause(who: Manager, path: str) -> dict[str, str]:
    return {"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path}


def _conflict_text(conflicts: list[tuple[Manager, str]]) -> str:
    if len(conflicts) == 1:
        who, path = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {who}: {path}"
    lines: list[str] = []
    for manager in dict.fromkeys(who for who, _ in conflicts):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {path}" for who, path in conflicts if who == manager]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)


def _described(obj: Object) -> str:
    """namespace/name; group/version, Kind=KIND."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {group}/{version}, Kind={obj.get('kind')}"
