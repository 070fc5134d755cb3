"""The default priority levels and flow schemas stay as they have to be."""

from __future__ import annotations

import copy

import pytest

from apimachinery.objects import Object
from apiserver.bootstrap import flow


def default(kind: str, name: str) -> Object:
    found = (obj for _, obj in flow.objects() if (obj["kind"], obj["metadata"]["name"]) == (kind, name))
    return copy.deepcopy(next(found))


@pytest.mark.parametrize("obj", [obj for _, obj in flow.objects()], ids=lambda obj: obj["metadata"]["name"])
def test_a_changed_spec_is_put_back_and_then_stays(obj: Object) -> None:
    changed = copy.deepcopy(obj)
    changed["spec"]["matchingPrecedence"] = 77
    mended = flow.reconciled(changed, obj)
    assert mended is not None
    assert flow.reconciled(mended, obj) is None


@pytest.mark.parametrize(
    ("kind", "name", "put_back"),
    [("FlowSchema", "global-default", False), ("FlowSchema", "catch-all", True),
     ("PriorityLevelConfiguration", "workload-low", False), ("PriorityLevelConfiguration", "exempt", True)],
)  # fmt: skip
def test_administrators_may_take_over_all_but_the_mandatory_ones(kind: str, name: str, put_back: bool) -> None:
    taken = default(kind, name)
    taken["metadata"]["annotations"]["apf.kubernetes.io/autoupdate-spec"] = "false"
    taken["spec"]["matchingPrecedence"] = 77
    assert (flow.reconciled(taken, default(kind, name)) is not None) is put_back
