"""From definitions to kinds: names, columns, conversion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.kind import Kind
from apimachinery.objects import Object
from apiserver.crd import names, openapi
from apiserver.crd.jsonpath import compile_path
from apiserver.crd.kinds import definition_of

_NOW = datetime(2024, 1, 1, tzinfo=UTC)


def _crd(plural: str = "widgets", kind: str = "Widget", **spec: Any) -> Object:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    wanted = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", "shortNames": ["w"]}
    return {
        "metadata": {"name": f"{plural}.example.com", "uid": plural, "generation": 1},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": wanted, "versions": [version], **spec},
    }


def _accepted(crd: Object, *others: Object) -> Object:
    return {**crd, "status": names.settled(crd, others, _NOW)}


def _kinds(crd: Object) -> list[Kind]:
    return [version.kind for version in definition_of(_accepted(crd)).served]


def test_names_without_rivals_are_accepted() -> None:
    crd = _accepted(_crd())
    assert crd["status"]["acceptedNames"] == crd["spec"]["names"]
    assert [(each["type"], each["status"]) for each in crd["status"]["conditions"]] == [
        ("NamesAccepted", "True"),
        ("Established", "True"),
    ]


def test_settled_names_stay_as_they_are() -> None:
    crd = _accepted(_crd())
    assert names.settled(crd, [crd], _NOW + timedelta(hours=1)) == crd["status"]


@pytest.mark.parametrize(
    ("plural", "kind", "reason"),
    [("gadgets", "Widget", "ListKindConflict"), ("gadgets", "Gadget", "ShortNamesConflict")],
)
def test_taken_names_are_not_accepted(plural: str, kind: str, reason: str) -> None:
    late = _crd(plural, kind)
    if kind == "Widget":
        late["spec"]["names"]["singular"], late["spec"]["names"]["shortNames"] = "gadget", []
    status = names.settled(late, [_accepted(_crd())], _NOW)
    accepted, established = status["conditions"]
    assert (accepted["status"], accepted["reason"]) == ("False", reason)
    assert (established["status"], established["reason"]) == ("False", "NotAccepted")


def test_one_version_is_stored_as_it_is_served() -> None:
    (kind,) = _kinds(_crd())
    assert kind.stored_as is None
    assert kind.from_storage is None
    assert kind.storage_path == "example.com/widgets"


def test_versions_differ_by_their_name_and_what_they_know() -> None:
    field = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    other = {"name": "v2", "served": True, "storage": False, "schema": {"openAPIV3Schema": field}}
    crd = _crd()
    crd["spec"]["versions"].append(other)
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] = True
    _, second = _kinds(crd)
    assert second.stored.version == "v1"
    assert second.from_storage is not None
    stored = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "x"}, "spec": {"a": 1, "b": 2}}
    shown = second.from_storage(stored)
    assert (shown["apiVersion"], shown["spec"]) == ("example.com/v2", {"a": 1})
    assert stored["spec"] == {"a": 1, "b": 2}


def test_columns() -> None:
    crd = _crd()
    crd["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Absent", "type": "string", "jsonPath": ".spec.absent"},
    ]
    (kind,) = _kinds(crd)
    obj = {
        "metadata": {"name": "x", "creationTimestamp": "2023-12-31T23:59:00Z"},
        "spec": {"size": 3},
        "status": {"conditions": [{"type": "Other", "status": "1"}, {"type": "Ready", "status": "True"}]},
    }
    assert kind.cells is not None
    assert list(kind.cells(obj, _NOW)) == ["x", 3, "True", "60s", None]


@pytest.mark.parametrize(
    ("path", "found"),
    [(".a.b", [1]), (".c[1]", ["y"]), (".c[*]", ["x", "y"]), ("['d.e']", [2]), (r".d\.e", [2]), (".z.b", [])],
)
def test_json_paths(path: str, found: list[Any]) -> None:
    step = compile_path(path)
    assert step is not None
    assert list(step({"a": {"b": 1}, "c": ["x", "y"], "d.e": 2})) == found


def test_openapi_says_less_in_its_second_version() -> None:
    crd = _crd()
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"a": {"type": "string", "nullable": True}, "b": {"type": "object", "oneOf": [{}]}},
    }
    made = openapi.definitions(_kinds(crd), "#/definitions/", v2=True)["com.example.v1.Widget"]
    assert made["properties"]["a"] == {}
    assert made["properties"]["b"] == {"type": "object"}
    assert made["properties"]["metadata"]["$ref"] == f"#/definitions/{openapi.OBJECT_META}"
