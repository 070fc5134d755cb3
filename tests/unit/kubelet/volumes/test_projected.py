"""Whose token file it is."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.volumes.empty_dir import tmpfs_bytes
from kubelet.volumes.projected import common_user


@pytest.mark.parametrize(
    ("spec", "user"),
    [
        ({"containers": [{}]}, None),
        ({"securityContext": {"runAsUser": 5}, "containers": [{}, {}]}, 5),
        ({"containers": [{"securityContext": {"runAsUser": 5}}, {"securityContext": {"runAsUser": 5}}]}, 5),
        ({"containers": [{"securityContext": {"runAsUser": 5}}, {}]}, None),
        ({"initContainers": [{}], "containers": [{"securityContext": {"runAsUser": 5}}]}, None),
    ],
)
def test_the_token_belongs_to_the_user_that_all_containers_share(spec: dict[str, Any], user: int | None) -> None:
    assert common_user({"spec": spec}) == user


@pytest.mark.parametrize(
    ("size_limit", "limits", "wanted"),
    [("", ["", ""], None), ("1Mi", ["", ""], 1 << 20), ("", ["1Mi", "1Mi"], 2 << 20), ("1Gi", ["1Mi", "1Mi"], 2 << 20)],
)
def test_how_large_a_tmpfs_may_grow(size_limit: str, limits: list[str], wanted: int | None) -> None:
    containers = [{"resources": {"limits": {"memory": limit}}} if limit else {} for limit in limits]
    source = {"sizeLimit": size_limit} if size_limit else {}
    assert tmpfs_bytes({"spec": {"containers": containers}}, source) == wanted
