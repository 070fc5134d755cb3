"""What the status of a namespace in deletion tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.namespace.plan import Remains, conditions, finalized, pause_seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_conditions_tell_what_remains_and_keep_their_times_while_nothing_changes() -> None:
    remains = Remains(counts={"pods": 2, "configmaps": 1}, finalizers={"example.com/hold": 1})
    first = conditions([], remains, NOW)
    by_type = {condition["type"]: condition for condition in first}
    assert by_type["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: configmaps has 1 resource instances, pods has 2 resource instances"
    )
    assert by_type["NamespaceFinalizersRemaining"]["status"] == "True"
    assert by_type["NamespaceDeletionContentFailure"]["status"] == "False"

    later = conditions(first, Remains(), NOW + timedelta(seconds=5))
    changed = {
        c["type"] for c, old in zip(later, first, strict=True) if c["lastTransitionTime"] != old["lastTransitionTime"]
    }
    assert changed == {"NamespaceContentRemaining", "NamespaceFinalizersRemaining"}


def test_only_its_own_finalizer_is_removed() -> None:
    assert finalized({"spec": {"finalizers": ["kubernetes", "other"]}}) == {"spec": {"finalizers": ["other"]}}


def test_a_failure_means_not_empty() -> None:
    assert Remains().empty
    assert not Remains(failures=["pods: no"]).empty
    assert not Remains(discovery_failures=["metrics.k8s.io/v1: gone"]).empty


def test_pods_are_given_their_time() -> None:
    assert pause_seconds(Remains(counts={"pods": 1}), 30) == 16
    assert pause_seconds(Remains(counts={"secrets": 1}), 0) == 1
