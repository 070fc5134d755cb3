"""Taints that follow conditions, and when pods must leave because of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apimachinery.objects import Object
from controller.nodelifecycle.eviction import eviction_time
from controller.nodelifecycle.taints import wanted_taints

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
STAMP = "2026-01-01T12:00:00Z"
UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": STAMP}


def _node(conditions: dict[str, str], taints: list[dict[str, str]] | None = None, **spec: Any) -> Object:
    listed = [{"type": type, "status": status} for type, status in conditions.items()]
    return {"metadata": {"name": "n1"}, "spec": {"taints": taints or [], **spec}, "status": {"conditions": listed}}


def _keys(taints: list[dict[str, Any]]) -> set[str]:
    return {f"{taint['key'].rpartition('/')[2]}:{taint['effect']}" for taint in taints}


def test_taints_follow_the_conditions() -> None:
    assert _keys(wanted_taints(_node({"Ready": "True"}), NOW, evict=True)) == set()
    assert _keys(wanted_taints(_node({"Ready": "False"}), NOW, evict=True)) == {
        "not-ready:NoSchedule",
        "not-ready:NoExecute",
    }
    assert _keys(wanted_taints(_node({"Ready": "Unknown"}), NOW, evict=False)) == {"unreachable:NoSchedule"}
    pressed = _node({"Ready": "True", "DiskPressure": "True"}, unschedulable=True)
    assert _keys(wanted_taints(pressed, NOW, evict=True)) == {"disk-pressure:NoSchedule", "unschedulable:NoSchedule"}


def test_others_taints_stay_and_ours_keep_their_time() -> None:
    others = {"key": "dedicated", "value": "db", "effect": "NoExecute"}
    node = _node({"Ready": "Unknown"}, [others, UNREACHABLE])
    taints = wanted_taints(node, NOW + timedelta(hours=1), evict=True)
    assert taints[:2] == [others, UNREACHABLE]
    assert wanted_taints(_node({"Ready": "True"}, [others, UNREACHABLE]), NOW, evict=True) == [others]


TOLERATIONS: list[tuple[list[dict[str, Any]], int | None]] = [
    ([], 0),
    ([{"key": UNREACHABLE["key"], "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}], 300),
    ([{"key": UNREACHABLE["key"], "operator": "Exists"}], None),
    ([{"operator": "Exists"}], None),
    ([{"key": "other", "operator": "Exists"}], 0),
    ([{"key": UNREACHABLE["key"], "operator": "Equal", "value": "x"}], 0),
    ([{"operator": "Exists", "tolerationSeconds": 60}, {"operator": "Exists", "tolerationSeconds": 10}], 10),
]


@pytest.mark.parametrize(("tolerations", "seconds"), TOLERATIONS)
def test_eviction_time(tolerations: list[dict[str, Any]], seconds: int | None) -> None:
    due = eviction_time({"spec": {"tolerations": tolerations}}, [UNREACHABLE], NOW)
    assert due == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_taints_that_only_keep_new_pods_away_evict_nobody() -> None:
    assert eviction_time({"spec": {}}, [{**UNREACHABLE, "effect": "NoSchedule"}], NOW) is None
