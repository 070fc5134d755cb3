"""How many pods a budget lets go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apimachinery.objects import Object
from controller.disruption.plan import needs_sizes, status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pods(ready: int, unready: int = 0) -> list[Object]:
    """So many pods."""
    return [
        {
            "metadata": {"name": f"p{number}"},
            "status": {"conditions": [{"type": "Ready", "status": "True" if number < ready else "False"}]},
        }
        for number in range(ready + unready)
    ]


def budget(current: Object | None = None, **spec: Any) -> Object:
    """A budget."""
    return {"metadata": {"generation": 1}, "spec": spec, "status": current or {}}


@pytest.mark.parametrize(
    ("spec", "own", "asked", "allowed"),
    [
        ({"minAvailable": 2}, pods(3), 3, 1),
        ({"minAvailable": 3}, pods(3), 3, 0),
        ({"minAvailable": "50%"}, pods(3), 5, 0),
        ({"minAvailable": "50%"}, pods(4), 5, 1),
        ({"maxUnavailable": 1}, pods(5), 5, 1),
        ({"maxUnavailable": 1}, pods(4, 1), 5, 0),
        ({"maxUnavailable": "50%"}, pods(5), 5, 3),
        ({"maxUnavailable": 1}, pods(5), None, 0),
        ({"minAvailable": 0}, [], 0, 0),
    ],
)
def test_disruptions_allowed(spec: Object, own: list[Object], asked: int | None, allowed: int) -> None:
    found = status(budget(**spec), own, asked, NOW)
    assert found["disruptionsAllowed"] == allowed
    assert found["conditions"][0]["status"] == ("True" if allowed else "False")


def test_a_granted_eviction_counts_until_it_shows_or_is_too_old() -> None:
    granted = {"disruptedPods": {"p0": "2026-01-01T11:59:00Z"}}
    assert status(budget(granted, minAvailable=1), pods(3), 3, NOW)["disruptionsAllowed"] == 1
    old = {"disruptedPods": {"p0": "2026-01-01T11:50:00Z"}}
    assert status(budget(old, minAvailable=1), pods(3), 3, NOW)["disruptionsAllowed"] == 2
    gone = status(budget({"disruptedPods": {"gone": "2026-01-01T11:59:00Z"}}, minAvailable=1), pods(3), 3, NOW)
    assert "disruptedPods" not in gone


def test_numbers_of_pods_need_no_controllers() -> None:
    assert not needs_sizes(budget(minAvailable=1))
    assert needs_sizes(budget(minAvailable="10%"))
    assert needs_sizes(budget(maxUnavailable=1))
