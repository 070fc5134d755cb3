"""What objects count against quotas."""

from __future__ import annotations

import pytest

from api.quota import covers, missing_requirements, usage
from apimachinery.objects import Object


def pod(*containers: Object, init: list[Object] | None = None, **spec: object) -> Object:
    return {"spec": {"containers": list(containers), "initContainers": init or [], **spec}}


def container(name: str = "c", requests: dict[str, str] | None = None, limits: dict[str, str] | None = None) -> Object:
    return {"name": name, "resources": {"requests": requests or {}, "limits": limits or {}}}


@pytest.mark.parametrize(
    ("group", "resource", "obj", "used"),
    [
        ("", "configmaps", {}, {"configmaps": "1", "count/configmaps": "1"}),
        ("apps", "deployments", {}, {"count/deployments.apps": "1"}),
        (
            "", "services", {"spec": {"type": "NodePort", "ports": [{}, {}]}},
            {"services": "1", "count/services": "1", "services.nodeports": "2", "services.loadbalancers": "0"},
        ),
        (
            "", "services",
            {"spec": {"type": "LoadBalancer", "ports": [{}, {"nodePort": 1}], "allocateLoadBalancerNodePorts": False}},
            {"services": "1", "count/services": "1", "services.nodeports": "1", "services.loadbalancers": "1"},
        ),
        (
            "", "persistentvolumeclaims",
            {"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}}}},
            {
                "persistentvolumeclaims": "1", "count/persistentvolumeclaims": "1", "requests.storage": "1Gi",
                "fast.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
                "fast.storageclass.storage.k8s.io/requests.storage": "1Gi",
            },
        ),
        (
            "", "pods",
            pod(container(requests={"cpu": "100m"}, limits={"cpu": "1", "memory": "1Gi"}),
                container("d", requests={"cpu": "200m"}), init=[container("i", requests={"cpu": "250m"})],
                overhead={"cpu": "10m"}),
            {
                "pods": "1", "count/pods": "1", "cpu": "310m", "requests.cpu": "310m", "memory": "1Gi",
                "requests.memory": "1Gi", "limits.cpu": "1010m", "limits.memory": "1Gi",
            },
        ),
        ("", "pods", {**pod(), "status": {"phase": "Failed"}}, {"pods": "0", "count/pods": "1"}),
        (
            "", "pods", pod(container(requests={"example.com/gpu": "2"})),
            {"pods": "1", "count/pods": "1", "requests.example.com/gpu": "2"},
        ),
    ],
)  # fmt: skip
def test_usage(group: str, resource: str, obj: Object, used: dict[str, str]) -> None:
    assert {name: str(amount) for name, amount in usage(group, resource, obj).items()} == used


def scoped(name: str, operator: str = "Exists", *values: str) -> Object:
    expression = {"scopeName": name, "operator": operator, "values": list(values)}
    return {"spec": {"scopeSelector": {"matchExpressions": [expression]}}}


@pytest.mark.parametrize(
    ("quota", "obj", "falls"),
    [
        ({"spec": {}}, pod(), True),
        (scoped("Terminating"), pod(activeDeadlineSeconds=1), True),
        (scoped("Terminating"), pod(), False),
        (scoped("BestEffort"), pod(container()), True),
        (scoped("BestEffort"), pod(container(requests={"cpu": "1"})), False),
        (scoped("PriorityClass", "In", "high"), pod(priorityClassName="high"), True),
        (scoped("PriorityClass", "In", "high"), pod(priorityClassName="low"), False),
        (scoped("PriorityClass", "NotIn", "high"), pod(), True),
        (scoped("PriorityClass"), pod(), False),
        (scoped("CrossNamespacePodAffinity"), pod(), False),
    ],
)
def test_scopes(quota: Object, obj: Object, falls: bool) -> None:
    assert covers(quota, "", "pods", obj) is falls
    if quota["spec"]:
        assert not covers(quota, "", "services", obj)


def test_what_every_container_has_to_state() -> None:
    subject = pod(container("a", requests={"cpu": "1"}), container("b", limits={"cpu": "1"}))
    assert missing_requirements(
        subject, ["requests.cpu", "cpu", "limits.cpu", "memory", "pods", "requests.storage"]
    ) == {
        "limits.cpu": ["a"],
        "memory": ["a", "b"],
    }
