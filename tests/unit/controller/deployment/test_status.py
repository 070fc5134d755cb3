"""Availability, progress, deadlines, pauses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery.objects import Object, format_time
from controller.conditions import find
from controller.deployment import status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def deployment(replicas: int = 2, **current: Any) -> Object:
    """A deployment with a deadline of ten minutes and this status."""
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    spec = {"replicas": replicas, "progressDeadlineSeconds": 600, "strategy": {"rollingUpdate": rolling}}
    return {"metadata": {"name": "web", "generation": 1}, "spec": spec, "status": current}


def replica_set(replicas: int, available: int, **current: Any) -> Object:
    """A replica set whose pods exist."""
    counts = {"replicas": replicas, "readyReplicas": available, "availableReplicas": available}
    return {"metadata": {"name": "web-1"}, "spec": {"replicas": replicas}, "status": {**counts, **current}}


def reason(found: Object, type: str) -> str | None:
    """The reason of a condition, None where there is none."""
    condition = find(found["conditions"], type)
    return condition["reason"] if condition else None


def test_a_rollout_from_begin_to_end() -> None:
    fresh = deployment()
    started = status.rollout(fresh, [replica_set(2, 0)], replica_set(2, 0), NOW)
    assert started["unavailableReplicas"] == 2
    assert reason(started, "Available") == "MinimumReplicasUnavailable"
    assert reason(started, "Progressing") == "ReplicaSetUpdated"
    assert find(started["conditions"], "Progressing")["message"] == 'ReplicaSet "web-1" is progressing.'  # type: ignore[index]  # it is there
    done = status.rollout(deployment(**started), [replica_set(2, 2)], replica_set(2, 2), NOW)
    assert reason(done, "Available") == "MinimumReplicasAvailable"
    assert reason(done, "Progressing") == "NewReplicaSetAvailable"
    assert status.recheck_after(deployment(**done), done, NOW) is None


def test_a_stuck_rollout_times_out_once() -> None:
    started = status.rollout(deployment(), [replica_set(2, 0)], replica_set(2, 0), NOW)
    stuck = deployment(**started)
    assert status.recheck_after(stuck, started, NOW) == 601
    later = NOW + timedelta(seconds=601)
    timed_out = status.rollout(stuck, [replica_set(2, 0)], replica_set(2, 0), later)
    assert reason(timed_out, "Progressing") == "ProgressDeadlineExceeded"
    assert status.recheck_after(deployment(**timed_out), timed_out, later) is None
    still = status.rollout(deployment(**timed_out), [replica_set(2, 0)], replica_set(2, 0), later)
    assert status.same(timed_out, still)
    moved = status.rollout(deployment(**timed_out), [replica_set(2, 1)], replica_set(2, 1), later)
    assert reason(moved, "Progressing") == "ReplicaSetUpdated"


def test_every_step_moves_the_deadline_but_not_the_transition() -> None:
    first = status.rollout(deployment(), [replica_set(2, 0)], replica_set(2, 0), NOW)
    later = NOW + timedelta(seconds=30)
    second = status.rollout(deployment(**first), [replica_set(2, 1)], replica_set(2, 1), later)
    condition = find(second["conditions"], "Progressing")
    assert condition is not None
    assert condition["lastUpdateTime"] == format_time(later)
    assert condition["lastTransitionTime"] == format_time(NOW)


def test_a_replica_sets_failure_shows() -> None:
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    broken = replica_set(0, 0, conditions=[failure])
    shown = status.rollout(deployment(), [broken], broken, NOW)
    assert reason(shown, "ReplicaFailure") == "FailedCreate"
    healed = status.rollout(deployment(**shown), [replica_set(2, 2)], replica_set(2, 2), NOW)
    assert reason(healed, "ReplicaFailure") is None


def test_pause_and_resume_are_told_once() -> None:
    running = deployment()
    assert status.paused_condition(running, NOW) is None
    paused = {**running, "spec": {**running["spec"], "paused": True}}
    told = status.paused_condition(paused, NOW)
    assert told is not None
    assert told["reason"] == "DeploymentPaused"
    assert status.paused_condition({**paused, "status": {"conditions": [told]}}, NOW) is None
    resumed = status.paused_condition({**running, "status": {"conditions": [told]}}, NOW)
    assert resumed is not None
    assert resumed["reason"] == "DeploymentResumed"
