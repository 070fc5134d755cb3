"""HorizontalPodAutoscalers: what is said of metrics, and in which order; status."""

from __future__ import annotations

from typing import Any

import pytest

from api.autoscaling.hpa import AUTOSCALER, AUTOSCALER_STATUS
from api.autoscaling.v1 import (
    AUTOSCALER_V1,
    AUTOSCALER_V1_STATUS,
    BEHAVIOR,
    CONDITIONS,
    CURRENT,
    METRICS,
    from_v2,
    to_v2,
)
from api.kind import Strategy
from apimachinery.objects import Object
from tests.unit.api.samples import complaints

TARGET = {"type": "Value", "value": "10"}
AVERAGE = {"type": "AverageValue", "averageValue": "10"}
SHARE = {"type": "Utilization", "averageUtilization": 80}
DEPLOYMENT = {"kind": "Deployment", "name": "d"}
RESOURCE = {"type": "Resource", "resource": {"name": "cpu", "target": SHARE}}
EXTERNAL = {"type": "External", "external": {"metric": {"name": "m"}, "target": TARGET}}
OBJECT = {"type": "Object", "object": {"describedObject": DEPLOYMENT, "metric": {"name": "m"}, "target": TARGET}}
PODS = {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": AVERAGE}}
OF_CONTAINER = {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": SHARE}}
TYPES = 'supported values: "ContainerResource", "External", "Object", "Pods", "Resource"'


def autoscaler(*metrics: dict[str, Any], **spec: Any) -> Object:
    wanted = {"scaleTargetRef": DEPLOYMENT, "maxReplicas": 3, "metrics": list(metrics), **spec}
    return {"apiVersion": "autoscaling/v2", "metadata": {"name": "x", "namespace": "ns"}, "spec": wanted}


def changed(metric: dict[str, Any], /, **source: Any) -> dict[str, Any]:
    """The metric with other fields in its source."""
    (field,) = metric.keys() - {"type"}
    return {**metric, field: {**metric[field], **source}}


@pytest.mark.parametrize("metric", [RESOURCE, EXTERNAL, OBJECT, PODS, OF_CONTAINER])
def test_every_kind_of_metric_does(metric: dict[str, Any]) -> None:
    assert complaints(AUTOSCALER, autoscaler(metric)) == []


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ({"type": "Odd"}, [f'type: Unsupported value: "Odd": {TYPES}'] * 2),
        (
            {"resource": RESOURCE["resource"]},
            [
                "type: Required value: must specify a metric source type",
                f'type: Unsupported value: "": {TYPES}',
                f'type: Unsupported value: "": {TYPES}',
            ],
        ),
        (
            {"type": "Pods", "resource": RESOURCE["resource"]},  # one source, though a wrong one, is one only
            ["pods: Required value: must populate information for the given metric source"],
        ),
        (
            {**RESOURCE, "pods": {"metric": {}, "target": {}}},  # the first of the two is looked at
            [
                "pods.metric.name: Required value: must specify a metric name",
                "pods.target.type: Required value: must specify a metric target type",
                'pods.target.type: Invalid value: "": must be either Utilization, Value, or AverageValue',
                "pods.target.averageValue: Required value: must specify a positive target averageValue",
                "pods: Forbidden: must populate the given metric source only",
            ],
        ),
        (
            changed(OBJECT, describedObject={"kind": "A"}, metric={"name": "a/b"}, target={"type": "Value"}),
            [
                "object.describedObject.name: Required value",
                "object.metric.name: Invalid value: \"a/b\": may not contain '/'",
                "object.target.averageValue: Required value: must set either a target value or averageValue",
            ],
        ),
        (
            changed(EXTERNAL, target={"type": "Value"}),
            ["external.target.averageValue: Required value: must set either a target value for metric or a per"],
        ),
        (
            changed(OF_CONTAINER, name="storage", container="A"),
            [
                'containerResource.name: Invalid value: "storage": must be a standard resource for containers',
                'containerResource.container: Invalid value: "A": a lowercase RFC 1123 label must consist of',
            ],
        ),
        (changed(RESOURCE, name="storage"), []),
        (changed(EXTERNAL, metric={"name": "m", "selector": {"matchLabels": {"a b": "c"}}}), []),
        (
            changed(EXTERNAL, target={"type": "Value", "value": "0", "averageUtilization": 0}),
            [
                "external.target.value: Invalid value: resource.Quantity{i:resource.int64Amount{value:0, scale:0}, ",
                "external.target.averageUtilization: Invalid value: 0: must be greater than 0",
            ],
        ),
    ],
)
def test_what_is_said_of_a_metric(metric: dict[str, Any], told: list[str]) -> None:
    errors = complaints(AUTOSCALER, autoscaler(metric))
    assert len(errors) == len(told), errors
    for error, start in zip(errors, told, strict=True):
        assert error.startswith(f"spec.metrics[0].{start}")


@pytest.mark.parametrize(("metric", "forbidden"), [(RESOURCE, True), (EXTERNAL, False), (OBJECT, False)])
def test_only_what_is_measured_outside_could_bring_back_from_nothing(metric: dict[str, Any], forbidden: bool) -> None:
    text = "must specify at least one Object or External metric to support scaling to zero replicas"
    assert complaints(AUTOSCALER, autoscaler(metric, minReplicas=0)) == [
        "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
        *([f"spec.metrics: Forbidden: {text}"] if forbidden else []),
    ]


def test_v1_has_the_rules_of_v2() -> None:
    obj = autoscaler(maxReplicas=0)
    del obj["spec"]["metrics"]
    assert complaints(AUTOSCALER_V1, obj) == [
        "spec.maxReplicas: Invalid value: 0: must be greater than 0",
        "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
    ]


@pytest.mark.parametrize("strategy", [AUTOSCALER_STATUS, AUTOSCALER_V1_STATUS])
def test_there_are_never_fewer_than_no_pods(strategy: Strategy) -> None:
    errors = strategy.validate_update({"status": {"currentReplicas": -1, "desiredReplicas": -2}}, {})
    text = "must be greater than or equal to 0"
    assert [str(error) for error in errors] == [
        f"status.currentReplicas: Invalid value: -1: {text}",
        f"status.desiredReplicas: Invalid value: -2: {text}",
    ]


def stored(*metrics: dict[str, Any], behavior: dict[str, Any] | None = None, **status: Any) -> Object:
    obj = autoscaler(*metrics, minReplicas=1) | {"status": {"desiredReplicas": 0, "currentMetrics": None, **status}}
    if behavior is not None:
        obj["spec"]["behavior"] = behavior
    return obj


def test_annotations_hold_metrics_as_go_writes_them() -> None:
    average = changed(OBJECT, target=AVERAGE)
    seen = from_v2(stored(RESOURCE, PODS, average, EXTERNAL))
    assert seen["spec"]["targetCPUUtilizationPercentage"] == 80
    assert seen["metadata"]["annotations"] == {
        METRICS: '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"10"}},'
        '{"type":"Object","object":{"target":{"kind":"Deployment","name":"d"},"metricName":"m","targetValue":"0",'
        '"averageValue":"10"}},{"type":"External","external":{"metricName":"m","targetValue":"10"}}]'
    }
    # The processor's metric comes last, and an average beside a value that v1 cannot leave out.
    assert to_v2(seen)["spec"]["metrics"] == [
        PODS,
        changed(OBJECT, target={**AVERAGE, "value": "0"}),
        EXTERNAL,
        RESOURCE,
    ]


def test_annotations_hold_behavior_under_go_s_names() -> None:
    policy = {"type": "Pods", "value": 4, "periodSeconds": 15}
    behavior = {"scaleUp": {"stabilizationWindowSeconds": 0, "policies": [policy]}}
    seen = from_v2(stored(behavior=behavior))
    assert seen["metadata"]["annotations"] == {
        BEHAVIOR: '{"ScaleUp":{"StabilizationWindowSeconds":0,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":4,'
        '"PeriodSeconds":15}]},"ScaleDown":null}'
    }
    assert to_v2(seen)["spec"]["behavior"] == behavior


def test_measurements_are_told_in_full_by_their_annotation() -> None:
    measured = {"name": "cpu", "current": {"averageUtilization": 5, "averageValue": "3m"}}
    old = stored(RESOURCE, currentMetrics=[{"type": "Resource", "resource": measured}], currentReplicas=1)
    seen = from_v2(old)
    assert seen["status"] == {"currentReplicas": 1, "desiredReplicas": 0, "currentCPUUtilizationPercentage": 5}
    assert to_v2(seen)["status"] == old["status"]


UNREADABLE = ("{", "5", "[5]", '[{"type":5}]')


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        *((annotation, text) for annotation in (METRICS, CURRENT, CONDITIONS) for text in (*UNREADABLE, "{}")),
        *((BEHAVIOR, text) for text in (*UNREADABLE, "{}", "[]")),
        (METRICS, '[{"type":"Pods","pods":5}]'),
        (METRICS, '[{"type":"Pods","pods":{"metricName":5}}]'),
        (METRICS, '[{"type":"Pods","pods":{"targetAverageValue":"five"}}]'),
        (CURRENT, '[{"type":"Resource","resource":{"currentAverageUtilization":"5"}}]'),
        (BEHAVIOR, '{"ScaleUp":5}'),
        (BEHAVIOR, '{"ScaleUp":{"Policies":5}}'),
        (BEHAVIOR, '{"ScaleUp":{"StabilizationWindowSeconds":"5"}}'),
        (BEHAVIOR, '{"ScaleUp":{"Policies":[{"Value":"5"}]}}'),
    ],
)
def test_annotations_that_cannot_be_read_hold_nothing(annotation: str, text: str) -> None:
    obj = from_v2(stored(RESOURCE))
    obj["metadata"]["annotations"] = {annotation: text}
    assert to_v2(obj) == stored(RESOURCE)
