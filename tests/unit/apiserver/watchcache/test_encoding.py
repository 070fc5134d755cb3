from __future__ import annotations

import orjson
import pytest

from apimachinery.objects import Object
from apiserver.watchcache.encoding import at_revision, encode_stored, frame, splice, split_head

POD: Object = {
    "spec": {"x": 1},
    "metadata": {"name": "a", "resourceVersion": "7", "labels": {"l": "é"}},
    "kind": "Pod",
    "apiVersion": "v1",
}


def test_stored_values_have_identity_first_and_no_version() -> None:
    value = encode_stored(POD)
    assert value.startswith(b'{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"')
    assert orjson.loads(value) == {**POD, "metadata": {"name": "a", "labels": {"l": "é"}}}
    assert POD["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    "value",
    [
        encode_stored(POD),
        b'{"apiVersion":"v1","kind":"Pod","metadata":{}}',
        b'{"metadata":{"name":"a"},"spec":{}}',
        b'{"spec":{"metadata":{"x":1}},"metadata":{"name":"a"}}',
        b'{ "apiVersion": "v1", "metadata": {"name": "a", "resourceVersion": "3"}}',
        b'{"kind":"a\\"b","metadata":{"name":"a"}}',
    ],
)
def test_splicing_sets_the_version_and_nothing_else(value: bytes) -> None:
    wanted = orjson.loads(value)
    wanted["metadata"]["resourceVersion"] = "123"
    assert orjson.loads(splice(value, 123)) == wanted


def test_a_version_is_replaced_only_where_it_is_the_objects() -> None:
    raw = splice(encode_stored({**POD, "spec": {"resourceVersion": "5"}}), 5)
    changed = orjson.loads(at_revision(raw, 5, 9))
    assert changed["metadata"]["resourceVersion"] == "9"
    assert changed["spec"]["resourceVersion"] == "5"


def test_a_frame_is_one_line() -> None:
    assert orjson.loads(frame("ADDED", b'{"a":1}')) == {"type": "ADDED", "object": {"a": 1}}
    assert frame("ADDED", b"{}").count(b"\n") == 1


def test_the_head_is_shared_by_all_of_a_kind() -> None:
    first, second = (split_head(splice(encode_stored(POD), revision)) for revision in (1, 2))
    assert first[0] == b'{"apiVersion":"v1","kind":"Pod",'
    assert first[0] is second[0]
    assert first[1].startswith(b'"metadata":{"resourceVersion":"1"')
    assert split_head(b'{"x":1,"metadata":{}}') == (b"{", b'"x":1,"metadata":{}}')
