"""How custom resources are checked when they are created, updated, and when only their status is."""

from __future__ import annotations

from typing import Any

from apimachinery import schema as schemas
from apiserver.crd.strategy import CustomResourceStrategy, CustomStatusStrategy

_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": _TEXT},
                "replicas": {"type": "integer"},
                "note": _TEXT,
                "maybe": {"type": "string", "nullable": True},
                "size": {"type": "integer", "default": 1},
            },
        },
        "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
    },
}
_SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
STRATEGY = CustomResourceStrategy(_SCHEMA, has_status=True, scale=_SCALE)


def thing(status: Any = None, **spec: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {"apiVersion": "x.example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}
    return obj if status is None else {**obj, "status": status}


def test_a_list_that_held_something_twice_before_may_go_on_to() -> None:
    twice, once = thing(set=["a", "a"]), thing(set=["a"])
    assert [error.reason for error in STRATEGY.validate(twice)] == ["FieldValueDuplicate"]
    assert [error.reason for error in STRATEGY.validate_update(twice, once)] == ["FieldValueDuplicate"]
    assert STRATEGY.validate_update(thing(set=["a", "a"], note="x"), twice) == []


def test_a_status_write_is_not_refused_for_the_replicas_of_the_spec() -> None:
    bad = thing(replicas=-1)
    assert len(STRATEGY.validate(bad)) == 1
    status = CustomStatusStrategy(STRATEGY)
    assert status.validate_update(thing({"replicas": 2}, replicas=-1), bad) == []
    assert len(status.validate_update(thing({"replicas": -2}, replicas=-1), bad)) == 1


def test_a_null_that_is_no_value_is_taken_for_absent() -> None:
    obj = thing(note=None, maybe=None, size=None)
    assert schemas.from_openapi(_SCHEMA).decode(obj) == []
    STRATEGY.default(obj)
    assert obj["spec"] == {"maybe": None, "size": 1}
    assert STRATEGY.validate(obj) == []
