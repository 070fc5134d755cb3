"""Which Events a node's new status is told by."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.plan.node_events import NodeEvent, schedulable_events, status_events


def status(ready: str = "True", memory: str = "False", boot: str = "b1") -> dict[str, Any]:
    sufficient = "KubeletHasInsufficientMemory" if memory == "True" else "KubeletHasSufficientMemory"
    return {
        "conditions": [
            {"type": "NetworkUnavailable", "status": ready, "reason": "PodNetworkIsUp"},
            {"type": "MemoryPressure", "status": memory, "reason": sufficient},
            {"type": "Ready", "status": ready, "reason": "KubeletReady"},
        ],
        "nodeInfo": {"bootID": boot},
    }


@pytest.mark.parametrize(
    ("old", "new", "events"),
    [
        ({}, status("False"), [NodeEvent("Normal", "NodeHasSufficientMemory")]),
        (status(), status(), []),
        (status("False"), status(), [NodeEvent("Normal", "NodeReady")]),
        (status("Unknown"), status("False"), [NodeEvent("Normal", "NodeNotReady")]),
        (status(), status(memory="True"), [NodeEvent("Normal", "NodeHasInsufficientMemory")]),
        (status(), status(boot="b2"), [NodeEvent("Warning", "Rebooted", "Node n1 has been rebooted, boot id: b2")]),
        ({"conditions": None}, status(boot="b2"), [NodeEvent("Normal", "NodeHasSufficientMemory")]),
    ],
)
def test_what_is_new_is_told(old: dict[str, Any], new: dict[str, Any], events: list[NodeEvent]) -> None:
    assert status_events("n1", old, new) == events


@pytest.mark.parametrize(
    ("cordoned", "spec", "reasons"),
    [
        (False, {"unschedulable": True}, ["NodeNotSchedulable"]),
        (True, {"unschedulable": True}, []),
        (True, {}, ["NodeSchedulable"]),
        (False, {"unschedulable": False}, []),
    ],
)
def test_a_cordon_is_told_once(cordoned: bool, spec: dict[str, Any], reasons: list[str]) -> None:
    assert [event.reason for event in schedulable_events(cordoned, {"spec": spec})] == reasons
