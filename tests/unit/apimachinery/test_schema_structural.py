"""Types of custom resources: what is pruned, and how their lists merge."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import schema
from apimachinery.objects import Object
from apimachinery.schema import DecodeError, model

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "tags": {"type": "object", "additionalProperties": {"type": "string"}},
                "parts": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {"type": "object", "properties": {"name": {"type": "string"}}},
                },
                "inner": {"type": "object", "x-kubernetes-embedded-resource": True},
            },
        }
    },
}


def test_pruning() -> None:
    obj: Object = {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "x", "bogus": 1},
        "spec": {
            "size": "not checked here",
            "gone": 1,
            "free": {"any": {"thing": 1}},
            "tags": {"a": "b"},
            "parts": [{"name": "p", "gone": 1}],
            "inner": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "i", "bogus": 1}, "spec": {}},
        },
    }
    assert schema.from_openapi(SCHEMA).decode(obj) == [
        'unknown field "metadata.bogus"',
        'unknown field "spec.gone"',
        'unknown field "spec.parts[0].gone"',
        'unknown field "spec.inner.metadata.bogus"',
        'unknown field "spec.inner.spec"',
    ]
    assert obj["spec"] == {
        "size": "not checked here",
        "free": {"any": {"thing": 1}},
        "tags": {"a": "b"},
        "parts": [{"name": "p"}],
        "inner": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "i"}},
    }


def test_without_a_schema_nothing_is_pruned() -> None:
    obj: Object = {"metadata": {"name": "x"}, "any": {"thing": [1]}}
    assert schema.from_openapi(None).decode(obj) == []
    assert obj["any"] == {"thing": [1]}


def test_metadata_is_typed() -> None:
    with pytest.raises(DecodeError, match=r"Go struct field ObjectMeta\.metadata\.labels of type string"):
        schema.from_openapi(SCHEMA).decode({"metadata": {"labels": {"a": 1}}})


def test_merging() -> None:
    spec = schema.from_openapi(SCHEMA).fields["spec"].type
    parts = spec.fields["parts"].type
    assert (parts.list_type, parts.list_keys) == ("map", ("name",))
    assert spec.fields["tags"].type.kind == model.MAP
    assert spec.fields["free"].type.item.kind == model.ANY
