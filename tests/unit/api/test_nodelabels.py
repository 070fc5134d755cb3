"""Warnings of kinds that choose nodes by labels with newer names."""

from __future__ import annotations

from typing import Any

import pytest

from api.kind import Strategy
from api.node.runtimeclass import RUNTIME_CLASS
from api.storage.classes import STORAGE_CLASS
from api.storage.csi import CSI_STORAGE_CAPACITY

OLD, NEW = "beta.kubernetes.io/os", "kubernetes.io/os"
TEXT = 'deprecated since v1.14; use "kubernetes.io/os" instead'


@pytest.mark.parametrize(
    ("strategy", "fields", "told"),
    [
        (RUNTIME_CLASS, {}, []),
        (RUNTIME_CLASS, {"scheduling": {"nodeSelector": None}}, []),
        (RUNTIME_CLASS, {"scheduling": {"nodeSelector": {NEW: "a", OLD: "a"}}}, [f"scheduling.nodeSelector: {TEXT}"]),
        (STORAGE_CLASS, {}, []),
        (
            STORAGE_CLASS,
            {"allowedTopologies": [{}, {"matchLabelExpressions": [{"key": NEW}, {"key": OLD}]}]},
            [f"allowedTopologies[1].matchLabelExpressions[1].key: {TEXT}"],
        ),
        (CSI_STORAGE_CAPACITY, {}, []),
        (CSI_STORAGE_CAPACITY, {"nodeTopology": {}}, []),
        (
            CSI_STORAGE_CAPACITY,
            {"nodeTopology": {"matchLabels": {NEW: "a", OLD: "a"}, "matchExpressions": [{"key": OLD}, {"key": NEW}]}},
            [f"nodeTopology.matchExpressions[0].key: {OLD} is {TEXT}", f"nodeTopology.matchLabels.{OLD}: {TEXT}"],
        ),
    ],
)
def test_old_labels_of_nodes(strategy: Strategy, fields: dict[str, Any], told: list[str]) -> None:
    obj = {"metadata": {"name": "x"}, **fields}
    assert strategy.warnings(obj, None) == told
    assert strategy.warnings(obj, obj) == told
