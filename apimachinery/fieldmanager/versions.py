"""The versions of a resource: entries of managedFields name fields of the version they were written in. Pure.

As structured-merge-diff's versioned updater: what a write changes is looked at in the version of each entry, and an
entry of a version that is no more is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from apimachinery.errors import ApiError
from apimachinery.fieldmanager import fieldset, walks
from apimachinery.fieldmanager.entries import Entry, Managed
from apimachinery.fieldmanager.fieldset import FieldSet
from apimachinery.objects import Object
from apimachinery.schema.model import TypeSchema


class NoSuchVersion(ApiError):
    """An entry names a version that its resource does not have: the reference answers 500 without a reason."""

    reason = ""


class Versions(Protocol):
    """What is known of a resource's versions."""

    def knows(self, api_version: str) -> bool:
        """Whether there is such a version; raises NoSuchVersion where entries must not name others."""
        ...

    def schema(self, api_version: str) -> TypeSchema:
        """The type of objects of a version that is known."""
        ...

    def converted(self, obj: Object, api_version: str) -> Object:
        """The object in another version that is known, or itself; not to be changed. Raises ApiError."""
        ...


class OneSchema:
    """Versions that differ by name only."""

    def __init__(self, schema: TypeSchema) -> None:
        self._schema = schema

    def knows(self, api_version: str) -> bool:
        """Every version."""
        return True

    def schema(self, api_version: str) -> TypeSchema:
        """The one schema."""
        return self._schema

    def converted(self, obj: Object, api_version: str) -> Object:
        """The object by the other name."""
        return {**obj, "apiVersion": api_version}


class Difference(NamedTuple):
    """The fields, in one version, that a write sets and that it removes."""

    changed: FieldSet
    removed: FieldSet


class Differences:
    """What one write changes, in whatever version somebody asks for; compared once per version."""

    def __init__(self, versions: Versions, old: Object, new: Object, settable: Callable[[FieldSet], FieldSet]) -> None:
        self._versions = versions
        self._old, self._new = old, new
        self._settable = settable
        self._found: dict[str, Difference] = {}

    def within(self, api_version: str) -> Difference:
        """In that version."""
        found = self._found.get(api_version)
        if found is None:
            found = self._found[api_version] = self._compare(api_version)
        return found

    def _compare(self, api_version: str) -> Difference:
        old, new = (in_version(self._versions, each, api_version) for each in (self._old, self._new))
        found = walks.compare(self._versions.schema(api_version), old, new)
        changed = fieldset.union(found.added, found.modified)
        return Difference(self._settable(changed), self._settable(found.removed))


def in_version(versions: Versions, obj: Object, api_version: str) -> Object:
    """The object in that version; an object that says no version is of every one."""
    return obj if obj.get("apiVersion") in (api_version, None) else versions.converted(obj, api_version)


def known(managed: Managed, versions: Versions) -> Managed:
    """The entries without those of versions that are no more."""
    if not managed:
        return managed
    gone = {entry.api_version for entry in managed.values() if not versions.knows(entry.api_version)}
    return {who: entry for who, entry in managed.items() if entry.api_version not in gone} if gone else managed


def left(managed: Managed, differences: Differences) -> Managed:
    """What everyone still owns after a write; managers that own nothing any more are dropped."""
    out: Managed = {}
    for who, entry in managed.items():
        fields = entry.fields
        for lost in differences.within(entry.api_version):
            fields = fieldset.difference(fields, lost) if lost else fields
        if fields:
            out[who] = entry.with_fields(fields)
    return out


def owned_by_version(entries: list[Entry]) -> dict[str, FieldSet]:
    """All fields of the entries, those of each version together."""
    out: dict[str, FieldSet] = {}
    for entry in entries:
        out[entry.api_version] = fieldset.union(out.get(entry.api_version, {}), entry.fields)
    return out
