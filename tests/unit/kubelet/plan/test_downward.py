"""Fields and resources as the downward API words them."""

from __future__ import annotations

import pytest

from kubelet.plan.downward import NotOffered, field_value, resource_value

POD = {
    "metadata": {
        "name": "p",
        "namespace": "ns",
        "uid": "u",
        "labels": {"b": "2", "a": 'say "hi"\n'},
        "annotations": {"example.org/x": "y"},
    },
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "default",
        "containers": [
            {"name": "c", "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}, "requests": {"cpu": "1m"}}}
        ],
    },
    "status": {"podIP": "10.0.0.2", "hostIP": "192.168.0.1"},
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("metadata.name", "p"),
        ("metadata.labels", 'a="say \\"hi\\"\\n"\nb="2"'),
        ("metadata.labels['b']", "2"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['example.org/x']", "y"),
        ("spec.nodeName", "n1"),
        ("status.podIP", "10.0.0.2"),
    ],
)
def test_fields(path: str, text: str) -> None:
    assert field_value(POD, path) == text


def test_an_unknown_field() -> None:
    with pytest.raises(NotOffered, match=r"unsupported fieldPath: spec\.containers"):
        field_value(POD, "spec.containers")


@pytest.mark.parametrize(
    ("resource", "divisor", "text"),
    [
        ("limits.cpu", "", "1"),
        ("limits.cpu", "1m", "250"),
        ("limits.memory", "1Mi", "64"),
        ("limits.memory", "0", "67108864"),
        ("requests.cpu", "1", "1"),
        ("requests.memory", "", "0"),
        ("limits.ephemeral-storage", "1Gi", "3"),  # not set: the node's, rounded up
    ],
)
def test_resources(resource: str, divisor: str, text: str) -> None:
    reference = {"containerName": "c", "resource": resource, **({"divisor": divisor} if divisor else {})}
    assert resource_value(POD, reference, {"ephemeral-storage": "2.5Gi"}) == text
