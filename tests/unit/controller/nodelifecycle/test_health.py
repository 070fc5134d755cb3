"""When a node counts as silent, and what is then said of it."""

from __future__ import annotations

from datetime import UTC, datetime

from apimachinery.objects import Object
from controller.nodelifecycle.health import is_silent, observe, unknown_conditions

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _node(ready: str = "True", beat: str = "t0") -> Object:
    conditions = [{"type": "Ready", "status": ready, "lastHeartbeatTime": beat, "lastTransitionTime": "t0"}]
    return {"metadata": {"name": "n1", "creationTimestamp": "c"}, "status": {"conditions": conditions if ready else []}}


def _lease(renewed: str) -> Object:
    return {"spec": {"renewTime": renewed}}


def _silent(node: Object, lease: Object | None, quiet_seconds: float) -> bool:
    health = observe(None, node, lease, 100.0)
    now = 100.0 + quiet_seconds
    return is_silent(observe(health, node, lease, now), node, now, grace_seconds=40, startup_grace_seconds=60)


def test_a_node_is_silent_after_its_grace_period_and_a_new_one_has_longer() -> None:
    assert not _silent(_node(), _lease("a"), 40)
    assert _silent(_node(), _lease("a"), 41)
    assert not _silent(_node(ready=""), None, 59)
    assert _silent(_node(ready=""), None, 61)


def test_a_renewed_lease_or_a_status_is_a_sign_of_life() -> None:
    health = observe(None, _node(), _lease("a"), 100.0)
    assert observe(health, _node(), _lease("b"), 130.0).heard_at == 130.0
    assert observe(health, _node(beat="t1"), _lease("a"), 130.0).heard_at == 130.0
    assert observe(health, _node(), _lease("a"), 130.0).heard_at == 100.0


def test_conditions_become_unknown_once() -> None:
    conditions = unknown_conditions(_node(), NOW)
    assert conditions is not None
    by_type = {c["type"]: c for c in conditions}
    assert by_type["Ready"]["reason"] == "NodeStatusUnknown"
    assert by_type["Ready"]["lastTransitionTime"] == "2026-01-01T12:00:00Z"
    assert by_type["DiskPressure"]["reason"] == "NodeStatusNeverUpdated"
    assert unknown_conditions({**_node(), "status": {"conditions": conditions}}, NOW) is None
