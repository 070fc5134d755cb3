"""The pure decisions of bindings, evictions, scales and logs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.errors import BadRequest, Conflict, Forbidden, InternalError, Invalid, TooManyRequests
from apimachinery.objects import Object
from apiserver.http.special.binding import bound, check
from apiserver.http.special.eviction import covers, disrupted, guards, may_ignore_budgets, spent
from apiserver.http.special.kubelets import address_of
from apiserver.http.special.podlog import choose_container, log_parameters
from apiserver.http.special.scale import check as check_scale
from apiserver.http.special.scale import rescaled, scale_of
from apiserver.registry.context import DeleteOptions

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [{"name": "c"}], **spec}, "status": {}}


BINDING: Object = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}


def test_a_binding_sets_node_annotations_and_condition() -> None:
    made = bound(pod(), {**BINDING, "metadata": {"annotations": {"a": "b"}}}, NOW)
    assert made["spec"]["nodeName"] == "n"
    assert made["metadata"]["annotations"] == {"a": "b"}
    (condition,) = made["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")


@pytest.mark.parametrize(
    ("victim", "text"),
    [
        (pod(nodeName="m"), 'pod p is already assigned to node "m"'),
        ({**pod(), "metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}, "is being deleted"),
        (pod(schedulingGates=[{"name": "g"}]), "schedulingGates"),
    ],
)
def test_a_binding_is_refused(victim: Object, text: str) -> None:
    with pytest.raises(Conflict, match=text):
        bound(victim, BINDING, NOW)


def test_a_binding_names_a_node() -> None:
    assert [error.field for error in check({"target": {"kind": "Pod"}})] == ["target.kind", "target.name"]


def budget(allowed: int, **status: Any) -> Object:
    return {
        "metadata": {"name": "b", "generation": 1},
        "spec": {"selector": {"matchLabels": {"a": "b"}}},
        "status": {"observedGeneration": 1, "disruptionsAllowed": allowed, **status},
    }


def test_a_disruption_is_spent() -> None:
    made = spent(budget(2), "p", NOW)
    assert made["status"]["disruptionsAllowed"] == 1
    assert made["status"]["disruptedPods"] == {"p": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (budget(0, desiredHealthy=2, currentHealthy=2), TooManyRequests),
        (budget(1, observedGeneration=0), TooManyRequests),
        (budget(-1), Forbidden),
    ],
)
def test_an_eviction_is_refused(given: Object, error: type[Exception]) -> None:
    with pytest.raises(error):
        spent(given, "p", NOW)


def test_which_pods_a_budget_counts() -> None:
    assert covers(budget(1), {"metadata": {"labels": {"a": "b"}}})
    assert not covers(budget(1), {"metadata": {"labels": {"a": "c"}}})
    assert may_ignore_budgets({"metadata": {}, "status": {"phase": "Succeeded"}})
    assert not may_ignore_budgets({"metadata": {}, "status": {"phase": "Running"}})


@pytest.mark.parametrize(
    ("ready", "policy", "needed", "healthy", "guarded"),
    [
        ("True", "AlwaysAllow", 2, 3, True),
        ("False", None, 2, 2, False),
        ("False", None, 2, 1, True),
        ("False", "IfHealthyBudget", 2, 1, True),
        ("False", "AlwaysAllow", 2, 1, False),
        ("False", None, 0, 0, True),
    ],
)
def test_which_pods_a_budget_guards(ready: str, policy: str | None, needed: int, healthy: int, guarded: bool) -> None:
    given = {
        "spec": {"unhealthyPodEvictionPolicy": policy},
        "status": {"desiredHealthy": needed, "currentHealthy": healthy},
    }
    assert guards(given, {"status": {"conditions": [{"type": "Ready", "status": ready}]}}) is guarded


def test_an_evicted_pod_says_so_once() -> None:
    made = disrupted(disrupted(pod(), DeleteOptions(uid="u"), NOW), DeleteOptions(), NOW)
    (condition,) = made["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("DisruptionTarget", "EvictionByEvictionAPI")
    with pytest.raises(Conflict, match="UID in precondition: other, UID in object meta: u"):
        disrupted(pod(), DeleteOptions(uid="other"), NOW)
    with pytest.raises(Conflict, match="ResourceVersion in precondition: 1"):
        disrupted(pod(), DeleteOptions(resource_version="1"), NOW)


def test_scale_of_workloads() -> None:
    controller: Object = {
        "kind": "ReplicationController",
        "metadata": {"name": "x", "resourceVersion": "3", "labels": {"not": "shown"}},
        "spec": {"replicas": 2, "selector": {"app": "a"}},
        "status": {"replicas": 1},
    }
    scale = scale_of(controller)
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 1, "selector": "app=a"}
    assert "labels" not in scale["metadata"]
    scale["spec"] = {"replicas": 5}
    rescaled(controller, scale)
    assert controller["spec"]["replicas"] == 5
    with pytest.raises(Invalid, match="must be greater than or equal to 0"):
        check_scale({"metadata": {"name": "x"}, "spec": {"replicas": -1}})


def test_the_container_of_a_log() -> None:
    two: Object = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    assert choose_container(pod(), "") == "c"
    assert choose_container(two, "b") == "b"
    with pytest.raises(BadRequest, match=r"choose one of: \[a b\]"):
        choose_container(two, "")
    with pytest.raises(BadRequest, match="container x is not valid for pod p"):
        choose_container(two, "x")
    two["metadata"]["annotations"] = {"kubectl.kubernetes.io/default-container": "b"}
    assert choose_container(two, "") == "b"


def test_log_parameters() -> None:
    query = {"follow": ["true"], "tailLines": ["0"], "container": ["c"], "timestamps": ["false"]}
    assert log_parameters(query) == {"follow": "true", "tailLines": "0"}
    with pytest.raises(Invalid, match="must be greater than 0"):
        log_parameters({"sinceSeconds": ["0"]})
    with pytest.raises(BadRequest):
        log_parameters({"tailLines": ["many"]})
    for number in ("1_0", str(2**63)):
        with pytest.raises(BadRequest):
            log_parameters({"tailLines": [number]})


def test_the_address_of_a_kubelet() -> None:
    node: Object = {
        "metadata": {"name": "n"},
        "status": {
            "addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 12250}},
        },
    }
    preferred = ("Hostname", "InternalIP")
    assert address_of(node, preferred, 10250) == ("10.0.0.1", 12250)
    with pytest.raises(InternalError, match="no preferred addresses found"):
        address_of({"metadata": {"name": "n"}}, preferred, 10250)
