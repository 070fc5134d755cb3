"""How many pods are made, and which go first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.objects import Object, name_of
from controller.pods import deletion_cost, from_template
from controller.replicaset.plan import BURST_REPLICAS, Plan, batches, plan, ranked
from controller.replicaset.status import same, status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(
    name: str,
    *,
    node: str = "n",
    phase: str = "Running",
    ready: str = "2026-01-01T11:00:00Z",
    created: str = "2026-01-01T10:00:00Z",
    restarts: int = 0,
    cost: str = "",
    **metadata: Any,
) -> Object:
    """A pod that has been ready since `ready`."""
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": ready}] if ready else []
    annotations = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    return {
        "metadata": {"name": name, "uid": name, "creationTimestamp": created, "annotations": annotations, **metadata},
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": [{"restartCount": restarts}]},
    }


GOOD = pod("a-good")


@pytest.mark.parametrize(
    "worse",
    [
        pod("z-unassigned", node="", phase="Pending", ready=""),
        pod("z-pending", phase="Pending", ready=""),
        pod("z-unready", ready=""),
        pod("z-cheap", cost="-1"),
        pod("z-ready-later", ready="2026-01-01T11:59:50Z"),
        pod("z-restarting", restarts=3),
        pod("z-newer", created="2026-01-01T11:59:00Z"),
    ],
)
def test_the_less_useful_pod_goes_first(worse: Object) -> None:
    assert [name_of(item) for item in ranked([GOOD, worse], [], NOW)] == [name_of(worse), name_of(GOOD)]


def test_of_pods_that_share_a_node_one_goes_first() -> None:
    mine = [pod("alone", node="one"), pod("doubled", node="two")]
    sibling = pod("sibling", node="two")
    assert [name_of(item) for item in ranked(mine, [*mine, sibling], NOW)] == ["doubled", "alone"]


def test_plan() -> None:
    three = [pod(f"p{number}") for number in range(3)]
    assert plan(3, three, three, NOW) == Plan()
    assert plan(5, three, three, NOW) == Plan(create=2)
    assert plan(2000, three, three, NOW) == Plan(create=BURST_REPLICAS)
    assert len(plan(1, three, three, NOW).delete) == 2
    assert plan(0, three, three, NOW) == Plan(delete=tuple(three))


def test_batches_start_slowly() -> None:
    assert batches(10) == [1, 2, 4, 3]
    assert batches(0) == []
    assert sum(batches(500)) == 500


@pytest.mark.parametrize(("text", "cost"), [("5", 5), ("-5", -5), ("+5", 0), ("05", 0), ("x", 0), (str(2**40), 0)])
def test_deletion_cost(text: str, cost: int) -> None:
    assert deletion_cost(pod("p", cost=text)) == cost


def test_pods_from_a_template() -> None:
    template = {"metadata": {"labels": {"a": "b"}, "creationTimestamp": None}, "spec": {"containers": []}}
    made = from_template(template, "x" * 100, "ns", {"uid": "u"})
    assert made["metadata"] == {
        "generateName": "x" * 57 + "-",
        "namespace": "ns",
        "labels": {"a": "b"},
        "ownerReferences": [{"uid": "u"}],
    }
    made["spec"]["containers"].append("changed")
    assert template["spec"] == {"containers": []}, "the template is shared with the cache"


OWNER: Object = {
    "metadata": {"generation": 3},
    "spec": {"replicas": 2, "minReadySeconds": 60, "template": {"metadata": {"labels": {"app": "web"}}}},
}


def test_status_counts() -> None:
    own = [
        pod("old", labels={"app": "web"}),
        pod("young", ready="2026-01-01T11:59:30Z", labels={"app": "web"}),
        pod("unlabelled", ready=""),
    ]
    assert status(OWNER, own, "", NOW, difference=1) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 3,
    }


def test_status_of_a_failure_comes_and_goes() -> None:
    failed = status(OWNER, [], "no service account", NOW, difference=-2)
    condition = failed["conditions"][0]
    assert condition["reason"] == "FailedCreate"
    assert condition["message"] == "no service account"
    owner = {**OWNER, "status": failed}
    assert status(owner, [], "another text", NOW, difference=-2) == failed, "no write for every retry"
    assert "conditions" not in status(owner, [], "", NOW, difference=0)


def test_absent_counts_are_noughts() -> None:
    assert same({"replicas": 0, "readyReplicas": 0}, {"replicas": 0})
    assert not same({"replicas": 1}, {"replicas": 0})
