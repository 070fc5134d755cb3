"""Objects seen through several versions: what is stored comes back."""

from __future__ import annotations

from typing import Any

import pytest

from api.autoscaling.v1 import from_v2, to_v2
from api.core.event import from_core, to_core
from api.flowcontrol.priority import to_v1beta2, to_v1beta3
from apimachinery.objects import Object

TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "minReplicas": 1, "maxReplicas": 5}


def autoscaler(version: str, spec: dict[str, Any], status: dict[str, Any], **metadata: Any) -> Object:
    meta = {"name": "x", "namespace": "ns", **metadata}
    return {"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec, "status": status}


def test_the_cpu_target_is_a_field_in_v1_and_a_metric_in_v2() -> None:
    old = autoscaler(
        "autoscaling/v1",
        {**TARGET, "targetCPUUtilizationPercentage": 60},
        {"currentReplicas": 0, "desiredReplicas": 0},
    )
    new = to_v2(old)
    target = {"type": "Utilization", "averageUtilization": 60}
    assert new["spec"] == {**TARGET, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]}
    assert new["status"] == {"desiredReplicas": 0, "currentMetrics": None}
    assert from_v2(new) == old


@pytest.mark.parametrize(
    "metric",
    [
        {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}},
        {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "5"}}},
        {
            "type": "Object",
            "object": {
                "describedObject": {"kind": "Service", "name": "s"},
                "metric": {"name": "m", "selector": {"matchLabels": {"a": "b"}}},
                "target": {"type": "Value", "value": "5"},
            },
        },
        {"type": "External", "external": {"metric": {"name": "m"}, "target": {"type": "Value", "value": "5"}}},
    ],
    ids=lambda metric: metric["type"],
)
def test_what_v1_cannot_say_survives_it(metric: dict[str, Any]) -> None:
    behavior = {"scaleDown": {"selectPolicy": "Disabled"}}
    conditions = [{"type": "AbleToScale", "status": "True"}]
    status = {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": None, "conditions": conditions}
    stored = autoscaler("autoscaling/v2", {**TARGET, "metrics": [metric], "behavior": behavior}, status)
    seen = from_v2(stored)
    assert set(seen["spec"]) == set(TARGET)
    assert len(seen["metadata"]["annotations"]) == 3
    assert to_v2(seen) == stored


def test_events_have_one_form_in_the_store() -> None:
    event: Object = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "ns"},
        "eventTime": "2024-01-01T00:00:00.000000Z",
        "regarding": {"kind": "Pod", "name": "p"},
        "note": "hello",
        "reportingController": "example.com/c",
        "reportingInstance": "i",
        "action": "Act",
        "reason": "Because",
        "type": "Normal",
        "deprecatedSource": {},
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
    }
    stored = to_core(event)
    assert stored["apiVersion"] == "v1"
    assert stored["involvedObject"] == {"kind": "Pod", "name": "p"}
    assert stored["message"] == "hello"
    assert stored["reportingComponent"] == "example.com/c"
    assert from_core(stored) == event


def test_shares_are_called_differently_in_v1beta2() -> None:
    spec = {"type": "Limited", "limited": {"assuredConcurrencyShares": 5}}
    old: Object = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1beta2", "metadata": {"name": "x"}, "spec": spec}
    new = to_v1beta3(old)
    assert new["spec"]["limited"] == {"nominalConcurrencyShares": 5}
    assert to_v1beta2(new) == old
