"""metadata.managedFields: entries read from an object, changed, and written back in their order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from apimachinery import fielderrors
from apimachinery.fieldmanager import fieldset
from apimachinery.fieldmanager.fieldset import FieldSet
from apimachinery.objects import Object, parse_time
from apimachinery.remembering import remembered

APPLY: Final = "Apply"
UPDATE: Final = "Update"
#: Updates by more managers than this are merged into one entry, the oldest first.
MOST_UPDATE_MANAGERS: Final = 10
OLD_UPDATES: Final = "ancient-changes"


class Manager(NamedTuple):
    """Who an entry belongs to. Appliers are the same in every version of the API: theirs is ""."""

    name: str
    operation: str
    api_version: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """As conflicts name it."""
        shown = fielderrors.go_quote(self.name)
        if self.subresource:
            shown += f" with subresource {fielderrors.go_quote(self.subresource)}"
        return f"{shown} using {self.api_version}" if self.operation == UPDATE else shown


@dataclass(frozen=True, slots=True)
class Entry:
    """What one manager owns, in which version it said so, and when."""

    fields: FieldSet
    api_version: str
    time: str = ""  #: RFC 3339, "" where it never changed anything

    def with_fields(self, fields: FieldSet) -> Entry:
        """The same with other fields."""
        return self if fields is self.fields else replace(self, fields=fields)


Managed = dict[Manager, Entry]


def manager(name: str, operation: str, api_version: str, subresource: str) -> Manager:
    """The manager of a write; a nameless one is "unknown"."""
    return Manager(name or "unknown", operation, api_version if operation == UPDATE else "", subresource)


def read(listed: Any) -> Managed | None:
    """The entries of a managedFields list; None where one of them makes no sense."""
    out: Managed = {}
    for item in listed or ():
        operation, api_version = item.get("operation"), item.get("apiVersion")
        if operation not in (APPLY, UPDATE) or not api_version or item.get("fieldsType") != "FieldsV1":
            return None
        fields = item.get("fieldsV1") or {}
        if not isinstance(fields, dict):
            return None
        who = manager(item.get("manager") or "", operation, api_version, item.get("subresource") or "")
        out[who._replace(name=item.get("manager") or "")] = Entry(fields, api_version, item.get("time") or "")
    return out


def of_object(obj: Object | None) -> Managed:
    """The entries of an object; none where they make no sense."""
    return read(((obj or {}).get("metadata") or {}).get("managedFields")) or {}


def write(managed: Managed) -> list[Object]:
    """The managedFields list: appliers first, then by time, manager, version and subresource."""
    return [_encode(who, entry) for who, entry in sorted(managed.items(), key=_place)]


def _place(item: tuple[Manager, Entry]) -> tuple[Any, ...]:
    who, entry = item
    return who.operation, _seconds(entry.time), who.name, entry.api_version, who.subresource


@remembered(4096)  # each write sorts the entries, whose times stay the same
def _seconds(time: str) -> int:
    try:
        return int(parse_time(time).timestamp()) if time else 0
    except ValueError:
        return 0


def _encode(who: Manager, entry: Entry) -> Object:
    encoded: Object = {"manager": who.name, "operation": who.operation, "apiVersion": entry.api_version}
    if entry.time:
        encoded["time"] = entry.time
    encoded["fieldsType"] = "FieldsV1"
    encoded["fieldsV1"] = entry.fields
    if who.subresource:
        encoded["subresource"] = who.subresource
    return encoded


def capped(managed: Managed) -> Managed:
    """The entries with the oldest updates merged where there are too many managers."""
    updaters = [who for who in managed if who.operation == UPDATE]
    if len(updaters) <= MOST_UPDATE_MANAGERS:
        return managed
    updaters.sort(key=lambda who: (_seconds(managed[who].time), who))
    out, count = dict(managed), len(updaters)
    first_of: dict[str, Manager] = {}
    for who in updaters:
        if count <= MOST_UPDATE_MANAGERS:
            break
        entry = out[who]
        bucket = Manager(OLD_UPDATES, UPDATE, entry.api_version)
        first = first_of.setdefault(entry.api_version, who)
        if first == who:
            continue
        if bucket not in out:
            out[bucket] = out.pop(first)
        out[bucket] = Entry(fieldset.union(entry.fields, out[bucket].fields), entry.api_version, entry.time)
        del out[who]
        count -= 1
    return out
