"""Strategic merge patch: merging by key, order, and every directive."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import schema
from apimachinery.errors import ApiError, BadRequest, Invalid
from apimachinery.objects import Object, deep_copy
from apimachinery.patch import strategic
from apimachinery.patch.directives import PatchProblem

_FOUND = schema.load().for_kind("", "v1", "Pod")
assert _FOUND is not None
POD = _FOUND
LIVE: Object = {
    "metadata": {"name": "x", "finalizers": ["a", "b"], "labels": {"app": "web", "tier": "front"}},
    "spec": {
        "containers": [
            {"name": "a", "image": "a:1", "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}]},
            {"name": "b", "image": "b:1", "args": ["x", "y"]},
        ],
        "tolerations": [{"key": "k"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "securityContext": {"runAsUser": 1},
    },
}


def patched(**spec: Any) -> Any:
    original = deep_copy(LIVE)
    result = strategic.apply(original, {"spec": spec}, POD)
    assert original == LIVE
    return result["spec"]


def names(spec: Any) -> list[str]:
    return [container["name"] for container in spec["containers"]]


def test_elements_merge_by_key_and_new_ones_come_where_the_patch_has_them() -> None:
    spec = patched(containers=[{"name": "n", "image": "n:1"}, {"name": "b", "image": "b:2"}])
    assert names(spec) == ["n", "a", "b"]
    assert spec["containers"][-1] == {"name": "b", "image": "b:2", "args": ["x", "y"]}
    assert names(patched(containers=[{"name": "n"}])) == ["n", "a", "b"]


def test_atomic_lists_and_scalar_lists_without_strategy_are_replaced() -> None:
    assert patched(tolerations=[{"key": "q"}])["tolerations"] == [{"key": "q"}]
    assert patched(containers=[{"name": "b", "args": ["z"]}])["containers"][-1]["args"] == ["z"]


def test_null_deletes_and_is_not_brought_in() -> None:
    assert "tolerations" not in patched(tolerations=None)
    spec = patched(affinity={"nodeAffinity": None, "podAffinity": {}})
    assert spec["affinity"] == {"podAffinity": {}}


def test_an_element_whose_key_is_null_is_a_new_one() -> None:
    assert {"name": None, "image": "x"} in patched(containers=[{"name": None, "image": "x"}])["containers"]


def test_patch_delete_and_replace_in_lists() -> None:
    spec = patched(containers=[{"name": "a", "env": [{"$patch": "delete", "name": "E"}]}])
    assert spec["containers"][0]["env"] == [{"name": "F", "value": "2"}]
    spec = patched(containers=[{"$patch": "replace"}, {"name": "z", "image": "z"}])
    assert spec["containers"] == [{"name": "z", "image": "z"}]


def test_patch_delete_and_replace_of_maps() -> None:
    assert patched(securityContext={"$patch": "replace", "runAsGroup": 2})["securityContext"] == {"runAsGroup": 2}
    assert patched(securityContext={"$patch": "delete"})["securityContext"] == {}
    assert "affinity" not in patched(affinity={"$patch": "delete"})


def test_retain_keys() -> None:
    spec = patched(volumes=[{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}])
    assert spec["volumes"] == [{"name": "v", "hostPath": {"path": "/x"}}]


def test_scalar_lists_that_merge() -> None:
    result = strategic.apply(
        LIVE, {"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}}, POD
    )
    assert result["metadata"]["finalizers"] == ["c", "b"]
    result = strategic.apply(LIVE, {"metadata": {"finalizers": ["b", "c"]}}, POD)
    assert result["metadata"]["finalizers"] == ["a", "b", "c"]


def test_set_element_order() -> None:
    order = [{"name": "b"}, {"name": "a"}]
    assert names(patched(**{"$setElementOrder/containers": order})) == ["b", "a"]
    spec = patched(**{"$setElementOrder/containers": order, "containers": [{"name": "a", "image": "a:2"}]})
    assert names(spec) == ["b", "a"]
    assert spec["containers"][1]["image"] == "a:2"
    result = strategic.apply(LIVE, {"metadata": {"$setElementOrder/finalizers": ["b", "a"]}}, POD)
    assert result["metadata"]["finalizers"] == ["b", "a"]


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [
        (
            {"containers": [{"image": "x"}]},
            PatchProblem,
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            {"containers": [{"$patch": "delete"}]},
            PatchProblem,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (
            {"securityContext": {"$patch": "frob"}},
            PatchProblem,
            "unknown patch type: frob in map: map[$patch:frob]",
        ),
        ({"containers": [{"$patch": "merge"}]}, PatchProblem, "merging lists cannot yet be specified in the patch"),
        ({"containers": ["x"]}, PatchProblem, None),
        ({"volumes": [{"name": "v", "$retainKeys": ["name"], "emptyDir": {}}]}, BadRequest, None),
        ({"volumes": [{"name": "v", "$retainKeys": "name"}]}, BadRequest, "invalid patch format of retainKeys"),
        ({"$setElementOrder": []}, BadRequest, "invalid patch format of setElementOrder list"),
        ({"$deleteFromPrimitiveList": []}, BadRequest, "invalid patch format of primitive list"),
        ({"$setElementOrder/containers": {}}, PatchProblem, None),
        (
            {"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "b"}]},
            PatchProblem,
            None,
        ),
        ({"containers": [[]]}, Invalid, None),
    ],
)
def test_errors(spec: Object, error: type[ApiError], text: str | None) -> None:
    with pytest.raises(error) as caught:
        strategic.apply(LIVE, {"spec": spec}, POD)
    if text is not None:
        assert caught.value.message == text
    if error is PatchProblem:
        assert caught.value.status()["code"] == 500
        assert "reason" not in caught.value.status()


containers = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcd")}, optional={"image": st.sampled_from("xy")}),
    max_size=4,
    unique_by=lambda container: container["name"],
)


@given(containers, containers)
def test_every_element_of_both_lists_is_there_once_and_the_patch_wins(live: list[Any], patch: list[Any]) -> None:
    result = strategic.apply({"spec": {"containers": live}}, {"spec": {"containers": patch}}, POD)["spec"]["containers"]
    wanted = {container["name"]: dict(container) for container in live}
    for container in patch:
        wanted.setdefault(container["name"], {}).update(container)
    assert {container["name"]: container for container in result} == wanted
    assert len(result) == len(wanted)
    order = [container["name"] for container in result]
    mine = [container["name"] for container in patch]
    assert [name for name in order if name in mine] == mine
    others = [container["name"] for container in live if container["name"] not in mine]
    assert [name for name in order if name not in mine] == others


@given(containers)
def test_a_patch_applied_twice_changes_nothing_more(patch: list[Any]) -> None:
    once = strategic.apply(LIVE, {"spec": {"containers": patch}}, POD)
    assert strategic.apply(once, {"spec": {"containers": patch}}, POD) == once
