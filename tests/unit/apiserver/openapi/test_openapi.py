"""OpenAPI documents."""

from __future__ import annotations

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
