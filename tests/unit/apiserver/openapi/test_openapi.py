"""OpenAPI documents."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from api.catalog import KINDS
from apimachinery import schema
from apimachinery.objects import Object
from apimachinery.protobuf import wire
from apiserver.openapi import documents, gnostic

POD_SPEC = "io.k8s.api.core.v1.PodSpec"


@pytest.fixture(scope="module")
def v2() -> Object:
    return documents.v2(schema.load(), KINDS, "v1.28.7")


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    if isinstance(value, list):
        return set().union(*map(references, value))
    return set()


def test_every_reference_of_v2_is_defined(v2: Object) -> None:
    missing = {ref.removeprefix("#/definitions/") for ref in references(v2)} - set(v2["definitions"])
    assert not missing


def test_what_clients_look_for_in_v2(v2: Object) -> None:
    containers = v2["definitions"][POD_SPEC]["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["items"] == {"$ref": "#/definitions/io.k8s.api.core.v1.Container"}
    assert v2["definitions"][POD_SPEC]["required"] == ["containers"]
    patch = v2["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "", "kind": "Pod", "version": "v1"}
    assert {"dryRun", "fieldValidation"} <= {parameter["name"] for parameter in patch["parameters"]}


def test_operation_ids_are_unique(v2: Object) -> None:
    ids = [operation["operationId"] for item in v2["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_v3_documents_stand_alone() -> None:
    document = documents.v3(schema.load(), KINDS, "apps", "v1", "v1.28.7")
    schemas = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} <= set(schemas)
    assert POD_SPEC in schemas
    assert "io.k8s.api.batch.v1.Job" not in schemas


def test_the_protobuf_form_has_every_definition(v2: Object) -> None:
    fields = [(number, value) for number, _, value in wire.fields(gnostic.encode(v2)) if isinstance(value, bytes)]
    assert (1, b"2.0") in fields
    (definitions,) = [value for number, value in fields if number == 9]
    names = []
    for _, _, entry in wire.fields(definitions):
        assert isinstance(entry, bytes)
        names += [value.decode() for number, _, value in wire.fields(entry) if number == 1 and isinstance(value, bytes)]
    assert names == list(v2["definitions"])


def _inside(data: bytes, *path: int) -> list[int | bytes]:
    """The values of the fields that the numbers lead to."""
    found: list[int | bytes] = [data]
    for number in path:
        found = [value for each in found if isinstance(each, bytes) for n, _, value in wire.fields(each) if n == number]
    return found


def test_the_protobuf_form_of_what_only_other_servers_say() -> None:
    parameters = [
        {"in": "query", "name": "limit", "type": "integer", "maximum": 10, "allowEmptyValue": True},
        {"in": "path", "name": "name", "type": "string", "pattern": "a", "required": True},
        {"in": "header", "name": "X-A", "type": "array", "items": {"type": "string"}},
        {"in": "body", "name": "body", "schema": {"type": "object", "x-a": 1}},
        {"$ref": "#/parameters/gone"},
    ]
    answer = {"description": "OK", "headers": {"X-B": {"type": "string"}}}
    operation = {"tags": ["a"], "deprecated": True, "responses": {"200": answer, "404": {"$ref": "#/responses/gone"}}}
    thing = {"type": "object", "additionalProperties": True, "minProperties": 1, "enum": [{"a": 1}], "title": "Thing"}
    document = {"paths": {"/a": {"parameters": parameters, "get": operation}}, "definitions": {"Thing": thing}}
    path = _inside(gnostic.encode(document), 8, 2, 2)[0]
    assert isinstance(path, bytes)
    value = (9, 1, 2)  # of a parameter that is no body
    assert _inside(path, *value, 3, 4) == [b"limit"]
    assert _inside(path, *value, 3, 5) == [1]
    assert _inside(path, *value, 3, 11) == [struct.pack("<d", 10)]
    assert _inside(path, *value, 4, 4) + _inside(path, *value, 4, 16) == [b"name", b"a"]
    assert _inside(path, *value, 1, 7, 1) == [b"string"]
    assert _inside(path, 9, 1, 1, 5, 31, 1) == [b"x-a"]
    assert _inside(path, 9, 2, 1) == [b"#/parameters/gone"]
    assert _inside(path, 2, 1) + _inside(path, 2, 11) == [b"a", 1]
    assert _inside(path, 2, 9, 1, 2, 1, 3, 1, 1) == [b"X-B"]
    assert _inside(path, 2, 9, 1, 2, 2, 1) == [b"#/responses/gone"]
    (definition,) = _inside(gnostic.encode(document), 9, 1, 2)
    assert isinstance(definition, bytes)
    assert _inside(definition, 18) + _inside(definition, 20, 2) + _inside(definition, 21, 2) == [1, b'{"a":1}', 1]


@pytest.mark.parametrize("wrong", [None, 1, "a", [1, None], {"a": 1}, True])
def test_the_protobuf_form_leaves_out_what_is_malformed(wrong: Any) -> None:
    """One server behind ours must not take the document from all clients."""
    words = ["$ref", "type", "items", "required", "properties", "enum", "maximum", "maxLength", "in", "schema", "name"]
    item = dict.fromkeys([*words, "parameters", "responses", "additionalProperties", "description", "get"], wrong)
    here = {
        **item,
        "get": {**item, "parameters": [item, {"in": "body", "schema": wrong}, {"in": "query", "items": wrong}]},
    }
    gnostic.encode({"info": wrong, "paths": {"/a": wrong, "/b": here}, "definitions": {"A": wrong, "B": item}})
