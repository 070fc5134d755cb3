"""What a DELETE means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.catalog import by_resource
from api.kind import Kind
from apimachinery.errors import Conflict
from apimachinery.objects import Object
from apiserver.registry.context import DeleteOptions
from apiserver.registry.deletion import Outcome, plan

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def kind(group: str, plural: str) -> Kind:
    found = by_resource(group, "v1", plural)
    assert found is not None
    return found


CONFIG_MAPS, PODS, DEPLOYMENTS = kind("", "configmaps"), kind("", "pods"), kind("apps", "deployments")
CONTROLLERS, NAMESPACES = kind("", "replicationcontrollers"), kind("", "namespaces")


def obj(**metadata: Any) -> Object:
    return {"metadata": {"name": "x", "uid": "u", "resourceVersion": "5", **metadata}}


def pod(**metadata: Any) -> Object:
    return {**obj(**metadata), "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 30}, "status": {}}


def test_without_finalizers_it_goes_at_once() -> None:
    assert plan(CONFIG_MAPS, obj(), DeleteOptions(), NOW).outcome is Outcome.REMOVE


def test_finalizers_keep_it_and_it_is_marked() -> None:
    done = plan(DEPLOYMENTS, obj(finalizers=["a/b"], generation=1), DeleteOptions(), NOW)
    assert done.outcome is Outcome.UPDATE
    assert done.obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:05Z"
    assert done.obj["metadata"]["deletionGracePeriodSeconds"] == 0
    assert done.obj["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("of", "policy", "finalizers"),
    [
        (DEPLOYMENTS, "Foreground", ["foregroundDeletion"]),
        (DEPLOYMENTS, "Orphan", ["orphan"]),
        (CONTROLLERS, "", ["orphan"]),
    ],
)
def test_propagation_is_a_finalizer(of: Kind, policy: str, finalizers: list[str]) -> None:
    done = plan(of, obj(), DeleteOptions(propagation_policy=policy), NOW)
    assert done.outcome is Outcome.UPDATE
    assert done.obj["metadata"]["finalizers"] == finalizers


def test_background_takes_the_old_policy_back() -> None:
    done = plan(CONTROLLERS, obj(finalizers=["orphan"]), DeleteOptions(propagation_policy="Background"), NOW)
    assert done.outcome is Outcome.REMOVE


def test_a_pod_on_a_node_gets_its_grace() -> None:
    done = plan(PODS, pod(), DeleteOptions(), NOW)
    assert done.outcome is Outcome.UPDATE
    assert done.obj["metadata"]["deletionGracePeriodSeconds"] == 30
    assert done.obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:35Z"


def test_no_grace_removes_a_pod_and_answers_with_it() -> None:
    assert plan(PODS, pod(), DeleteOptions(grace_period_seconds=0), NOW).outcome is Outcome.UPDATE_AND_REMOVE


def test_a_pending_grace_may_only_become_shorter() -> None:
    pending = {"deletionTimestamp": "2026-01-02T03:04:35Z", "deletionGracePeriodSeconds": 30}
    assert plan(PODS, pod(**pending), DeleteOptions(), NOW).outcome is Outcome.NOTHING
    assert plan(PODS, pod(**pending), DeleteOptions(grace_period_seconds=40), NOW).outcome is Outcome.NOTHING
    done = plan(PODS, pod(**pending), DeleteOptions(grace_period_seconds=10), NOW)
    assert done.outcome is Outcome.UPDATE
    assert done.obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:15Z"


def test_a_grace_without_end_is_no_error() -> None:
    seconds = 2**63 - 1
    done = plan(PODS, pod(), DeleteOptions(grace_period_seconds=seconds), NOW)
    assert (done.outcome, done.obj["metadata"]["deletionGracePeriodSeconds"]) == (Outcome.UPDATE, seconds)
    assert done.obj["metadata"]["deletionTimestamp"].startswith("9021-")
    done = plan(PODS, done.obj, DeleteOptions(grace_period_seconds=10), NOW)
    assert done.obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:15Z"


def test_a_negative_grace_is_a_second() -> None:
    pending = {"deletionTimestamp": "2026-01-02T03:04:35Z", "deletionGracePeriodSeconds": 30}
    for given in (pod(), pod(**pending)):
        done = plan(PODS, given, DeleteOptions(grace_period_seconds=-5), NOW)
        assert done.obj["metadata"]["deletionGracePeriodSeconds"] == 1
        assert done.obj["metadata"]["deletionTimestamp"] == "2026-01-02T03:04:06Z"


def test_what_a_crash_has_kept_can_be_deleted_again() -> None:
    """It was marked as gone, and then not removed."""
    marked = {"deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": 0}
    assert plan(PODS, pod(**marked), DeleteOptions(), NOW).outcome is Outcome.REMOVE
    done = plan(DEPLOYMENTS, obj(**marked, finalizers=["a/b"]), DeleteOptions(propagation_policy="Foreground"), NOW)
    assert done.obj["metadata"]["finalizers"] == ["a/b", "foregroundDeletion"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (DeleteOptions(uid="other"), r"the UID in the precondition \(other\) does not match the UID in record \(u\)"),
        (DeleteOptions(resource_version="4"), "the ResourceVersion in the precondition"),
    ],
)
def test_preconditions(options: DeleteOptions, text: str) -> None:
    with pytest.raises(Conflict, match=text):
        plan(CONFIG_MAPS, obj(), options, NOW)


def test_a_namespace_terminates_until_its_own_finalizers_are_gone() -> None:
    first = plan(NAMESPACES, {**obj(), "spec": {"finalizers": ["kubernetes"]}, "status": {}}, DeleteOptions(), NOW)
    assert first.outcome is Outcome.UPDATE
    assert first.obj["status"]["phase"] == "Terminating"
    assert plan(NAMESPACES, first.obj, DeleteOptions(), NOW).outcome is Outcome.NOTHING
    first.obj["spec"] = {}
    assert plan(NAMESPACES, first.obj, DeleteOptions(), NOW).outcome is Outcome.REMOVE
