"""Where daemons run, and how they are replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.objects import Object, name_of
from controller.daemonset import plan

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def daemon(limit: int | str = 1, **pod_spec: Any) -> Object:
    """A daemon set that replaces `limit` pods at a time."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": limit}}
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": pod_spec}
    metadata = {"name": "agent", "namespace": "default", "generation": 1}
    return {"metadata": metadata, "spec": {"template": template, "updateStrategy": strategy}}


def node(name: str, *taints: Object, **labels: str) -> Object:
    """A node."""
    return {"metadata": {"name": name, "labels": labels}, "spec": {"taints": list(taints)}}


def pod(node: str, *, hash: str = "new", ready: bool = True, phase: str = "Running", name: str = "") -> Object:
    """The daemon's pod on a node."""
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {
        "metadata": {"name": name or f"on-{node}", "labels": {plan.HASH_LABEL: hash}},
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": [condition]},
    }


def names(pods: list[Object]) -> list[str]:
    """Sorted names."""
    return sorted(name_of(item) for item in pods)


@pytest.mark.parametrize(
    ("there", "pod_spec", "answer"),
    [
        (node("n"), {}, (True, True)),
        (node("n", {"key": "k", "effect": "NoSchedule"}), {}, (False, True)),
        (node("n", {"key": "k", "effect": "NoExecute"}), {}, (False, False)),
        (node("n", {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}), {}, (True, True)),
        (node("n", {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}), {}, (True, True)),
        (node("n", {"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}), {}, (False, True)),
        (
            node("n", {"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}),
            {"hostNetwork": True},
            (True, True),
        ),
        (node("n", disk="ssd"), {"nodeSelector": {"disk": "ssd"}}, (True, True)),
        (node("n"), {"nodeSelector": {"disk": "ssd"}}, (False, False)),
    ],
)
def test_which_nodes(there: Object, pod_spec: Object, answer: tuple[bool, bool]) -> None:
    assert plan.wants_node(daemon(**pod_spec), there) == answer


def test_one_on_each_node() -> None:
    nodes = [node("a"), node("b"), node("c"), node("d", {"key": "k", "effect": "NoExecute"})]
    own = [pod("b"), pod("b", name="second"), pod("c", phase="Failed"), pod("d")]
    todo = plan.plan(daemon(), nodes, own)
    assert todo.create == ["a"]
    assert names(todo.delete) == ["on-c", "on-d", "second"]
    assert names(todo.failed) == ["on-c"]


def test_its_pod_is_pinned_to_its_node() -> None:
    made = plan.pod_for(daemon(), "a", "hash", {"uid": "u"})
    assert plan.node_of(made) == "a"
    assert made["metadata"]["labels"] == {"app": "agent", plan.HASH_LABEL: "hash", plan.GENERATION_LABEL: "1"}
    todo = plan.plan(daemon(), [node("a")], [{**made, "metadata": {**made["metadata"], "name": "x"}}])
    assert not todo.create


def test_old_pods_are_replaced_a_few_at_a_time() -> None:
    nodes = [node(name) for name in "abc"]
    old = [pod(name, hash="old") for name in "abc"]
    assert len(plan.outdated_to_replace(daemon(), nodes, old, "new", NOW)) == 1
    assert len(plan.outdated_to_replace(daemon("50%"), nodes, old, "new", NOW)) == 2
    missing = [pod("a", hash="old"), pod("b", hash="old")]
    assert plan.outdated_to_replace(daemon(), nodes, missing, "new", NOW) == []
    broken = [pod("a", hash="old", ready=False), pod("b", hash="old"), pod("c")]
    assert names(plan.outdated_to_replace(daemon(), nodes, broken, "new", NOW)) == ["on-a"]


def test_status() -> None:
    nodes = [node("a"), node("b"), node("c", {"key": "k", "effect": "NoSchedule"})]
    found = plan.status(daemon(), nodes, [pod("a"), pod("b", hash="old", ready=False), pod("c")], "new", NOW)
    assert {key: value for key, value in found.items() if value} == {
        "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "numberReady": 1,
        "numberAvailable": 1,
        "numberUnavailable": 1,
        "updatedNumberScheduled": 1,
        "observedGeneration": 1,
    }
