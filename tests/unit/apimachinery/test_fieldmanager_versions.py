"""managedFields entries of several versions: looked at in their own version, forgotten where that is no more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery import fieldmanager, schema
from apimachinery.errors import Conflict
from apimachinery.fieldmanager.versions import NoSuchVersion
from apimachinery.objects import Object
from apimachinery.schema import TypeSchema

NOW = datetime(2024, 5, 1, 10, tzinfo=UTC)
V1, V2, V3 = "x.example.com/v1", "x.example.com/v2", "x.example.com/v3"
_TEXT = {"type": "string"}


def _schema(*names: str) -> TypeSchema:
    spec = {"type": "object", "properties": dict.fromkeys(names, _TEXT)}
    return schema.from_openapi({"type": "object", "properties": {"spec": spec}})


class Renamed:
    """What v1 calls spec.size is spec.length in v2."""

    def __init__(self, *, strict: bool = False) -> None:
        self._schemas = {V1: _schema("size", "color"), V2: _schema("length", "color")}
        self._strict = strict

    def knows(self, api_version: str) -> bool:
        if self._strict and api_version not in self._schemas:
            raise NoSuchVersion(api_version)
        return api_version in self._schemas

    def schema(self, api_version: str) -> TypeSchema:
        return self._schemas[api_version]

    def converted(self, obj: Object, api_version: str) -> Object:
        names = {"size": "length"} if api_version == V2 else {"length": "size"}
        made = {**obj, "apiVersion": api_version}
        if obj.get("spec"):
            made["spec"] = {names.get(name, name): value for name, value in obj["spec"].items()}
        return made


VERSIONS = Renamed()


def thing(api_version: str, **spec: str) -> Object:
    return {"apiVersion": api_version, "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


def applied(live: Object | None, obj: Object, manager: str, *, force: bool = False) -> Object:
    version = obj["apiVersion"]
    shown = live if live is None or live["apiVersion"] == version else VERSIONS.converted(live, version)
    return fieldmanager.apply(
        shown, obj, manager=manager, force=force, subresource="", schema=VERSIONS.schema(version), now=NOW,
        versions=VERSIONS,
    )  # fmt: skip


def updated(live: Object, new: Object, versions: Renamed = VERSIONS) -> Object:
    schema_ = versions.schema(new["apiVersion"])
    return fieldmanager.update(
        live, new, manager="cli", subresource="", schema=schema_, now=NOW, versions=versions
    )  # fmt: skip


def owners(obj: Object) -> dict[str, Any]:
    entries = obj["metadata"].get("managedFields", ())
    return {each["manager"]: (each["apiVersion"], set(each["fieldsV1"]["f:spec"])) for each in entries}


def test_an_applier_that_moves_on_keeps_what_it_still_applies() -> None:
    live = applied(None, thing(V1, size="1", color="red"), "one")
    made = applied(live, thing(V2, length="1"), "one")
    assert made["spec"] == {"length": "1"}
    assert owners(made) == {"one": (V2, {"f:length"})}


def test_what_another_version_owns_stays() -> None:
    live = applied(applied(None, thing(V1, size="1", color="red"), "one"), thing(V2, length="1"), "two")
    made = applied(live, thing(V2, color="red"), "one")
    assert made["spec"] == {"length": "1", "color": "red"}, "two applied it, by another name"


def test_a_conflict_names_the_field_as_its_owner_does() -> None:
    live = applied(None, thing(V1, size="1"), "one")
    with pytest.raises(Conflict, match=r'conflict with "one": \.spec\.size'):
        applied(live, thing(V2, length="2"), "two")
    assert owners(applied(live, thing(V2, length="2", color="red"), "two", force=True)) == {
        "two": (V2, {"f:length", "f:color"})
    }


def test_an_update_takes_fields_from_owners_of_other_versions() -> None:
    live = VERSIONS.converted(applied(None, thing(V1, size="1", color="red"), "one"), V2)
    made = updated(live, {**live, "spec": {"length": "2", "color": "red"}})
    assert owners(made) == {"one": (V1, {"f:color"}), "cli": (V2, {"f:length"})}


def _with_entry_of(api_version: str) -> Object:
    live = applied(None, thing(V1, size="1"), "one")
    past = {**live["metadata"]["managedFields"][0], "manager": "past", "apiVersion": api_version}
    return {**live, "metadata": {**live["metadata"], "managedFields": [*live["metadata"]["managedFields"], past]}}


def test_an_entry_of_a_version_that_is_no_more_is_forgotten() -> None:
    live = _with_entry_of(V3)
    assert set(owners(updated(live, {**live, "spec": {"size": "1", "color": "red"}}))) == {"one", "cli"}
    assert set(owners(applied(live, thing(V1, size="2"), "one"))) == {"one"}


def test_where_entries_must_not_name_other_versions_an_update_drops_them_all() -> None:
    live = _with_entry_of(V3)
    made = updated(live, {**live, "spec": {"size": "2"}}, Renamed(strict=True))
    assert made["spec"] == {"size": "2"}
    assert "managedFields" not in made["metadata"]
