"""What custom resources say at the paths of their scale subresource."""

from __future__ import annotations

from typing import Any

import pytest

from api.apiextensions import scaling

_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, ""),
        ({"replicas": 0}, ""),
        ({"replicas": -1}, ".spec.replicas: Invalid value: -1: should be a non-negative integer"),
        (
            {"replicas": 1 << 31},
            ".spec.replicas: Invalid value: 2147483648: should be less than or equal to 2147483647",
        ),
        (
            {"replicas": "two"},
            ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: two is of the type string, expected "
            "int64",
        ),
        (
            "all",
            ".spec.replicas: Invalid value: 0: .spec.replicas accessor error: all is of the type string, expected "
            "map[string]interface{}",
        ),
    ],
)
def test_replicas(spec: Any, told: str) -> None:
    assert "".join(str(error) for error in scaling.validate_spec({"spec": spec}, _SCALE)) == told


def test_a_status_says_replicas_and_a_selector() -> None:
    assert scaling.validate_status({"status": {"replicas": 1, "selector": "a=b"}}, _SCALE) == []
    assert [str(error) for error in scaling.validate_status({"status": {"replicas": -1, "selector": {}}}, _SCALE)] == [
        ".status.replicas: Invalid value: -1: should be a non-negative integer",
        '.status.selector: Invalid value: "": .status.selector accessor error: map[] is of the type '
        "map[string]interface {}, expected string",
    ]


def test_without_a_scale_nothing_is_looked_at() -> None:
    assert scaling.validate_spec({"spec": {"replicas": -1}}, None) == []
    assert scaling.validate_status({"status": {"replicas": -1}}, None) == []
