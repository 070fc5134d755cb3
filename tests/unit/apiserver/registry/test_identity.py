"""What is to replace an object has to be called as the URL says."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import BadRequest
from apiserver.registry.objectmeta import carry_over, settle_identity


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, "the name of the object (x based on URL) was undeterminable: name must be provided"),
        ({"name": "y"}, "the name of the object (y) does not match the name on the URL (x)"),
        (
            {"name": "x", "namespace": "other"},
            "the namespace of the object (other) does not match the namespace on the request (ns)",
        ),
    ],
)
def test_another_identity_is_refused(metadata: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settle_identity({"metadata": metadata}, "x", "ns", namespaced=True)
    assert str(refused.value) == expected


def test_an_absent_namespace_is_the_requests() -> None:
    obj = {"metadata": {"name": "x"}}
    settle_identity(obj, "x", "ns", namespaced=True)
    assert obj["metadata"] == {"name": "x", "namespace": "ns"}


def test_objects_of_the_whole_cluster_may_name_any_namespace() -> None:
    obj = {"metadata": {"name": "x", "namespace": "other"}}
    settle_identity(obj, "x", "", namespaced=False)
    assert obj["metadata"] == {"name": "x"}


@pytest.mark.parametrize(("namespace", "kept"), [("", {}), ("ns", {"namespace": "ns"})])
def test_an_update_gives_no_namespace(namespace: str, kept: dict[str, str]) -> None:
    new = {"metadata": {"namespace": "ns"}}
    carry_over(new, {"metadata": {"namespace": namespace} if namespace else {}})
    assert new["metadata"] == kept
