"""How far at once, and after which time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.horizontalpodautoscaler.limits import Change, History, Limited, limit, remember_scaling

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
UP = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
DOWN = {"selectPolicy": "Max", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]}


def ago(seconds: float, replicas: int) -> Change:
    """Some time before."""
    return Change(NOW - timedelta(seconds=seconds), replicas)


def limited(current: int, desired: int, history: History = History(), **spec: Any) -> Limited:  # noqa: B008
    """Between 1 and 100."""
    return limit(
        {"minReplicas": 1, "maxReplicas": 100, **spec}, current, desired, history, now=NOW,
        downscale_window=FIVE_MINUTES,
    )  # fmt: skip


def behavior(up: dict[str, Any] | None = None, down: dict[str, Any] | None = None) -> dict[str, Any]:
    """The usual one, changed."""
    return {"scaleUp": {**UP, **(up or {})}, "scaleDown": {**DOWN, **(down or {})}}


@pytest.mark.parametrize(
    ("current", "desired", "spec", "wanted", "reason"),
    [
        (3, 5, {}, 5, "DesiredWithinRange"),
        (1, 9, {}, 4, "ScaleUpLimit"),
        (10, 50, {}, 20, "ScaleUpLimit"),
        (10, 50, {"maxReplicas": 15}, 15, "TooManyReplicas"),
        (10, 1, {"minReplicas": 3}, 3, "TooFewReplicas"),
    ],
)
def test_without_behavior(current: int, desired: int, spec: dict[str, Any], wanted: int, reason: str) -> None:
    found = limited(current, desired, **spec)
    assert (found.replicas, found.limited.reason) == (wanted, reason)
    assert found.is_limited == (reason != "DesiredWithinRange")


def test_down_only_to_the_highest_of_five_minutes() -> None:
    history = History((ago(400, 9), ago(200, 6), ago(100, 4)))
    found = limited(8, 2, history)
    assert (found.replicas, found.stabilized.reason) == (6, "ScaleDownStabilized")
    assert [change.replicas for change in found.history.recommendations] == [6, 4, 2]
    assert limited(8, 9, history).stabilized.reason == "ReadyForNewScale"


def test_windows_of_both_directions() -> None:
    history = History((ago(50, 3), ago(10, 7)))
    assert limited(4, 9, history, behavior=behavior({"stabilizationWindowSeconds": 60})).replicas == 4
    assert limited(4, 9, history, behavior=behavior({"stabilizationWindowSeconds": 30})).replicas == 7
    assert limited(9, 2, history, behavior=behavior(down={"stabilizationWindowSeconds": 0})).replicas == 2
    found = limited(9, 2, history, behavior=behavior())
    assert (found.replicas, found.stabilized.reason) == (7, "ScaleDownStabilized")


@pytest.mark.parametrize(
    ("select", "wanted"),
    [("Max", 14), ("Min", 11), ("Disabled", 10)],
)
def test_policies_upward(select: str, wanted: int) -> None:
    policies = [
        {"type": "Pods", "value": 4, "periodSeconds": 60},
        {"type": "Percent", "value": 10, "periodSeconds": 60},
    ]
    found = limited(10, 50, behavior=behavior({"selectPolicy": select, "policies": policies}))
    assert (found.replicas, found.limited.reason) == (wanted, "ScaleUpLimit")


@pytest.mark.parametrize(("select", "wanted"), [("Max", 5), ("Min", 8), ("Disabled", 10)])
def test_policies_downward(select: str, wanted: int) -> None:
    policies = [
        {"type": "Pods", "value": 2, "periodSeconds": 60},
        {"type": "Percent", "value": 50, "periodSeconds": 60},
    ]
    rules = {"stabilizationWindowSeconds": 0, "selectPolicy": select, "policies": policies}
    found = limited(10, 1, behavior=behavior(down=rules))
    assert (found.replicas, found.limited.reason) == (wanted, "ScaleDownLimit")


def test_what_was_done_in_the_period_counts() -> None:
    policies = [{"type": "Pods", "value": 4, "periodSeconds": 60}]
    spec = {"minReplicas": 1, "maxReplicas": 100, "behavior": behavior({"policies": policies})}
    history = remember_scaling(spec, 7, 10, History(ups=(ago(90, 5),)), NOW - timedelta(seconds=30))
    assert history.ups == (ago(90, 5), ago(30, 3))
    assert limited(10, 50, history, behavior=spec["behavior"]).replicas == 11
    assert remember_scaling(spec, 10, 11, history, NOW).ups == (ago(30, 3), ago(0, 1))
    assert remember_scaling({"maxReplicas": 9}, 1, 2, History(), NOW) == History()
