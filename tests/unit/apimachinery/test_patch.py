"""JSON patch and merge patch, with the reference's liberties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.errors import BadRequest, Invalid, RequestEntityTooLarge
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import json_patch, merge_patch

DOCUMENT: Object = {"data": {"a": "1", "b": "2"}, "list": [1, 2, 3], "metadata": {"name": "x"}}


def op(kind: str, path: str, value: Any = None, source: str | None = None) -> Object:
    operation = {"op": kind, "path": path, "value": value}
    return operation if source is None else {**operation, "from": source}


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([op("add", "/data/c", "3")], {"data": {"a": "1", "b": "2", "c": "3"}}),
        ([op("add", "/data/x~1y~0z", "3")], {"data": {"a": "1", "b": "2", "x/y~z": "3"}}),
        ([op("add", "/list/0", 0)], {"list": [0, 1, 2, 3]}),
        ([op("add", "/list/-", 4)], {"list": [1, 2, 3, 4]}),
        ([op("add", "/list/3", 4)], {"list": [1, 2, 3, 4]}),
        ([op("remove", "/list/1")], {"list": [1, 3]}),
        ([op("remove", "/data/a")], {"data": {"b": "2"}}),
        ([op("replace", "/data/a", "9")], {"data": {"a": "9", "b": "2"}}),
        ([op("replace", "/data/absent", "9")], {"data": {"a": "1", "b": "2", "absent": "9"}}),
        ([op("replace", "/list/-1", 9)], {"list": [1, 2, 9]}),
        ([op("move", "/data/c", source="/data/a")], {"data": {"b": "2", "c": "1"}}),
        ([op("copy", "/data/c", source="/data/a")], {"data": {"a": "1", "b": "2", "c": "1"}}),
        ([op("test", "/data/a", "1"), op("remove", "/data/a")], {"data": {"b": "2"}}),
        ([op("test", "/data/absent", None)], {}),
        ([op("test", "/list", [1, 2, 3])], {}),
        ([], {}),
    ],
)
def test_json_patch(operations: list[Object], expected: Object) -> None:
    original = deep_copy(DOCUMENT)
    assert json_patch.apply(original, operations) == {**DOCUMENT, **expected}
    assert original == DOCUMENT


@pytest.mark.parametrize(
    "operation",
    [
        op("frob", "/data/a"),
        op("test", "/data/a", "9"),
        op("test", "/list/0", True),
        op("remove", "/data/absent"),
        op("remove", "/list/7"),
        op("add", "/absent/deep", 1),
        op("add", "/list/9", 1),
        op("add", "/list/x", 1),
        op("add", "data", 1),
        op("add", "", {}),
        op("replace", "/list/3", 1),
        op("move", "/data/c", source="/data/absent"),
        op("copy", "/data/c"),
        {"op": "add"},
    ],
)
def test_operations_that_do_not_apply(operation: Object) -> None:
    with pytest.raises(Invalid) as caught:
        json_patch.apply(deep_copy(DOCUMENT), [operation])
    assert caught.value.message == "the server rejected our request due to an error in our request"
    assert caught.value.status()["details"] == {}


def test_json_patch_is_bounded() -> None:
    with pytest.raises(RequestEntityTooLarge):
        json_patch.apply({}, [op("test", "/a")] * 10_001)
    bomb = [op("add", "/a", "x" * 1000), *(op("copy", f"/{n}", source="") for n in range(30))]
    with pytest.raises(Invalid):
        json_patch.apply({}, bomb)


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({"op": "add"}, "object into Go value of type []handlers.jsonPatchOp"),
        (["add"], "string into Go value of type handlers.jsonPatchOp"),
        ([{"op": 1}], "number into Go struct field jsonPatchOp.op of type string"),
        ([{"path": []}], "array into Go struct field jsonPatchOp.path of type string"),
    ],
)
def test_what_is_no_list_of_operations(patch: Any, error: str) -> None:
    with pytest.raises(BadRequest) as caught:
        json_patch.check(patch)
    assert caught.value.message == f"error decoding patch: json: cannot unmarshal {error}"


def test_null_is_no_operation() -> None:
    assert json_patch.check(None) == []


def test_unknown_members_of_operations() -> None:
    patch = json_patch.check([op("add", "/a"), {"op": "remove", "path": "/b", "why": 1}])
    assert json_patch.unknown_members(patch) == ['unknown field "[1].why"']


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_merge_patch(target: Object, patch: Object, expected: Object) -> None:
    before = deep_copy(target)
    assert merge_patch.apply(target, patch) == expected
    assert target == before


values = st.recursive(
    st.booleans() | st.integers(0, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def merge_diff(old: Any, new: Any) -> Any:
    """The merge patch from one document without nulls to another."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changes: Object = {key: None for key in old if key not in new}
    changes |= {key: merge_diff(old.get(key), value) for key, value in new.items() if old.get(key) != value}
    return changes


@given(objects, objects)
def test_a_merge_patch_of_the_difference_makes_the_other_document(old: Object, new: Object) -> None:
    assert merge_patch.apply(old, merge_diff(old, new)) == new


@given(objects, objects)
def test_a_json_patch_that_replaces_every_member_makes_the_other_document(old: Object, new: Object) -> None:
    operations = [op("remove", f"/{key}") for key in old] + [op("add", f"/{key}", value) for key, value in new.items()]
    assert json_patch.apply(old, operations) == new
