"""What OpenAPI v2 and v3 say of custom resources."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.crd.openapi import OBJECT_META, published
from apiserver.openapi import describing
from apiserver.openapi.definitions import V2_PREFIX, V3_PREFIX

_TEXT = {"type": "string"}
_META = {"apiVersion", "kind", "metadata"}


def v2(schema: Any) -> Any:
    return published(schema, V2_PREFIX, v2=True)


def v3(schema: Any) -> Any:
    return published(schema, V3_PREFIX, v2=False)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "a", "example": "a"}, {"type": "string", "pattern": "a"}),
        ({"type": "string", "nullable": True, "maxLength": 3}, {"maxLength": 3}),
        (
            {"type": "object", "nullable": True, "properties": {"a": _TEXT}, "x-kubernetes-map-type": "atomic"},
            {"x-kubernetes-map-type": "atomic"},
        ),
        (
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"a": _TEXT}},
            {"x-kubernetes-preserve-unknown-fields": True},
        ),
        (
            {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, _TEXT], "pattern": "1"},
            {"x-kubernetes-int-or-string": True, "pattern": "1"},
        ),
        (
            {"type": "object", "required": ["a", "b"], "properties": {"a": {**_TEXT, "nullable": True}, "b": _TEXT}},
            {"type": "object", "required": ["b"], "properties": {"a": {}, "b": _TEXT}},
        ),
        (
            {"type": "object", "required": ["a"], "additionalProperties": {**_TEXT, "nullable": True}},
            {"type": "object", "additionalProperties": {}},
        ),
        ({"type": "array", "items": _TEXT, "x-kubernetes-list-type": "set"},) * 2,
        ({"type": "string", "x-kubernetes-validations": [{"rule": "true"}]},) * 2,
        ({"type": "object", "oneOf": [{"required": ["a"]}], "additionalProperties": True},
         {"type": "object", "additionalProperties": True}),
    ],
)  # fmt: skip
def test_v2_says_what_kubectl_understands(schema: Any, said: Any) -> None:
    assert v2(schema) == said


def test_v3_says_nearly_all() -> None:
    schema = {"type": "object", "nullable": True, "oneOf": [{"required": ["a"]}], "properties": {"a": _TEXT}}
    assert v3({**schema, "example": {}}) == schema
    either = {"x-kubernetes-int-or-string": True}
    assert v3(either) == {**either, "anyOf": [{"type": "integer"}, {"type": "string"}]}


def test_metadata_begins_as_conformance_reads_it() -> None:
    """What upstream's e2e test looks for in `kubectl explain` of a custom resource."""
    schema = {"type": "object", "x-kubernetes-embedded-resource": True}
    for said, prefix in ((v2(schema), V2_PREFIX), (v3(schema), V3_PREFIX)):
        fields = said["properties"]
        assert fields["apiVersion"]["description"].startswith("APIVersion defines ")
        assert fields["metadata"].pop("description").startswith("Standard object's metadata")
        reference = {"$ref": prefix + OBJECT_META}
        assert fields["metadata"] == (reference if prefix == V2_PREFIX else {"allOf": [reference]})
    created = describing.load().of_field(OBJECT_META, "creationTimestamp")
    assert created.startswith("CreationTimestamp is a timestamp ")


def test_embedded_objects_have_metadata() -> None:
    schema = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"spec": {"type": "object"}}}
    for said in (v2(schema), v3(schema)):
        assert set(said["properties"]) == {"spec", *_META}
        assert said["required"] == ["kind", "apiVersion"]
    keeps = {**schema, "x-kubernetes-preserve-unknown-fields": True}
    assert "properties" not in v2(keeps)
    assert set(v3(keeps)["properties"]) == {"spec", *_META}
