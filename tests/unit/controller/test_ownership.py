"""Adoption, release and expectations."""

from __future__ import annotations

from api.resources import REPLICA_SETS
from apimachinery import labels
from apimachinery.objects import Object, name_of
from controller.expectations import EXPIRE_SECONDS, Expectations
from controller.ownership import claim, controller_reference, owner_values, refers_to

OWNER: Object = {"metadata": {"name": "web", "namespace": "default", "uid": "owner"}}
SELECTOR = labels.from_map({"app": "web"})


def pod(name: str, *, app: str = "web", owner: str = "", deleting: bool = False) -> Object:
    """A pod, perhaps controlled by a replica set of that uid."""
    metadata: Object = {"name": name, "namespace": "default", "uid": name, "labels": {"app": app}}
    if owner:
        metadata["ownerReferences"] = [controller_reference({"metadata": {"name": "x", "uid": owner}}, REPLICA_SETS)]
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata}


PODS = [
    pod("own", owner="owner"),
    pod("own-strayed", app="other", owner="owner"),
    pod("orphan", owner=""),
    pod("orphan-other", app="other"),
    pod("orphan-going", deleting=True),
    pod("foreign", owner="someone"),
]


def test_claims() -> None:
    found = claim(OWNER, SELECTOR, PODS)
    assert [name_of(item) for item in found.owned] == ["own"]
    assert [name_of(item) for item in found.adopt] == ["orphan"]
    assert [name_of(item) for item in found.release] == ["own-strayed"]


def test_an_owner_being_deleted_takes_and_lets_go_nothing() -> None:
    going = {"metadata": {**OWNER["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    found = claim(going, SELECTOR, PODS)
    assert [name_of(item) for item in found.owned] == ["own"]
    assert not found.adopt
    assert not found.release


def test_references_name_group_and_kind() -> None:
    reference = controller_reference(OWNER, REPLICA_SETS)
    assert reference["controller"] and reference["blockOwnerDeletion"]
    assert refers_to(reference, REPLICA_SETS)
    assert refers_to({**reference, "apiVersion": "apps/v1beta1"}, REPLICA_SETS)
    assert not refers_to({**reference, "apiVersion": "example.com/v1"}, REPLICA_SETS)
    assert not refers_to(None, REPLICA_SETS)
    assert list(owner_values(pod("p", owner="u"))) == ["u"]
    assert list(owner_values(pod("p"))) == ["orphans-of/default"]


def test_creations_are_awaited_by_number_deletions_by_uid() -> None:
    expectations = Expectations()
    assert expectations.satisfied("k", 0.0)
    expectations.expect_creations("k", 2, 0.0)
    expectations.creation_observed("k")
    assert not expectations.satisfied("k", 1.0)
    expectations.creation_observed("k")
    assert expectations.satisfied("k", 1.0)
    expectations.expect_deletions("k", ["a", "b"], 1.0)
    expectations.deletion_observed("k", "a")
    expectations.deletion_observed("k", "a")
    assert not expectations.satisfied("k", 1.0), "the same deletion seen twice is one"
    expectations.deletion_observed("k", "b")
    assert expectations.satisfied("k", 1.0)


def test_a_lost_event_holds_nobody_up_for_ever() -> None:
    expectations = Expectations()
    expectations.expect_creations("k", 1, 0.0)
    assert not expectations.satisfied("k", EXPIRE_SECONDS)
    assert expectations.satisfied("k", EXPIRE_SECONDS + 1)
    expectations.forget("k")
    assert expectations.satisfied("k", 0.0)
