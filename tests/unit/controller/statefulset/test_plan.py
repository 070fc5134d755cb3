"""The order of a stateful set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from apimachinery.objects import Object, name_of
from controller.statefulset import plan

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stateful(replicas: int = 3, **spec: Any) -> Object:
    """A stateful set."""
    return {
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {"replicas": replicas, "serviceName": "db", "template": {"spec": {}}, **spec},
    }


def pod(ordinal: int, *, revision: str = "new", ready: bool = True, deleting: bool = False) -> Object:
    """One of its pods."""
    metadata: Object = {"name": f"db-{ordinal}", "labels": {plan.HASH_LABEL: revision}}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "status": {"phase": "Running", "conditions": [condition]}}


def step(owner: Object, *own: Object, current: str = "new") -> tuple[list[int], list[str]]:
    """Ordinals to make and names to delete."""
    todo = plan.plan(owner, own, current, "new", NOW)
    return [ordinal for ordinal, _ in todo.create], [name_of(item) for item in todo.delete]


def test_one_after_the_other() -> None:
    assert step(stateful()) == ([0], [])
    assert step(stateful(), pod(0, ready=False)) == ([], [])
    assert step(stateful(), pod(0)) == ([1], [])
    assert step(stateful(), pod(0), pod(2)) == ([1], [])
    assert step(stateful(), pod(0), pod(1, deleting=True), pod(2)) == ([], [])
    assert step(stateful(), pod(0), pod(1), pod(2)) == ([], [])


def test_all_at_once() -> None:
    parallel = stateful(podManagementPolicy="Parallel")
    assert step(parallel, pod(1, ready=False)) == ([0, 2], [])
    assert step(stateful(0, podManagementPolicy="Parallel"), pod(0), pod(1)) == ([], ["db-1", "db-0"])


def test_scaling_down_takes_the_last_and_waits() -> None:
    assert step(stateful(1), pod(0), pod(1), pod(2)) == ([], ["db-2"])
    assert step(stateful(1), pod(0), pod(1), pod(2, deleting=True)) == ([], [])
    assert step(stateful(1), pod(0, ready=False), pod(1)) == ([], [])


def test_an_ill_set_is_not_scaled_down_past_its_first_ill_pod() -> None:
    ill = [pod(number, ready=False) for number in range(3)]
    assert step(stateful(0), *ill) == ([], [])
    assert step(stateful(0), ill[0]) == ([], ["db-0"])
    assert step(stateful(0), pod(0), pod(1), ill[2]) == ([], ["db-2"])
    assert step(stateful(0, podManagementPolicy="Parallel"), *ill) == ([], ["db-2", "db-1", "db-0"])


def test_ordinals_may_start_elsewhere() -> None:
    shifted = stateful(2, ordinals={"start": 5})
    assert step(shifted, pod(5)) == ([6], [])
    assert step(shifted, pod(4), pod(5), pod(6)) == ([], ["db-4"])


def test_updates_go_from_the_last_to_the_first() -> None:
    old = [pod(number, revision="old") for number in range(3)]
    assert step(stateful(), *old) == ([], ["db-2"])
    assert step(stateful(), *old[:2], pod(2, ready=False)) == ([], [])
    assert step(stateful(), *old[:2], pod(2)) == ([], ["db-1"])
    held = stateful(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    assert step(held, *old[:2], pod(2)) == ([], [])
    assert plan.plan(held, [], "old", "new", NOW).create == [(0, "old")]
    assert step(stateful(updateStrategy={"type": "OnDelete"}), *old) == ([], [])


def test_pods_have_names_and_claims_of_their_own() -> None:
    claims = [{"metadata": {"name": "data"}, "spec": {"storageClassName": "x"}}]
    owner = stateful(volumeClaimTemplates=claims, selector={"matchLabels": {"app": "db"}})
    template = {"metadata": {"labels": {"app": "db"}}, "spec": {"volumes": [{"name": "data"}, {"name": "other"}]}}
    made = plan.pod_for(owner, template, 1, "db-new", {})
    assert made["metadata"]["name"] == "db-1"
    assert made["spec"]["hostname"] == "db-1"
    assert made["spec"]["subdomain"] == "db"
    assert made["spec"]["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data-db-1"}},
        {"name": "other"},
    ]
    (claim,) = plan.claims_for(owner, 1)
    assert claim["metadata"] == {"name": "data-db-1", "namespace": "default", "labels": {"app": "db"}}


def test_the_status_moves_on_when_all_are_new() -> None:
    half = plan.status(stateful(2), [pod(0, revision="old"), pod(1)], "old", "new", NOW)
    assert (half["currentRevision"], half["currentReplicas"], half["updatedReplicas"]) == ("old", 1, 1)
    done = plan.status(stateful(2), [pod(0), pod(1)], "old", "new", NOW)
    assert (done["currentRevision"], done["currentReplicas"], done["updatedReplicas"]) == ("new", 2, 2)
