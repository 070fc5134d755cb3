"""Which claims go with what."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from controller.statefulset.claims import is_stale, owners_of_claim

POD: Object = {"metadata": {"name": "db-2", "uid": "p"}}
OTHER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}


def owner(deleted: str, scaled: str) -> Object:
    """A set with this policy."""
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    return {"metadata": {"name": "db", "uid": "s"}, "spec": {"persistentVolumeClaimRetentionPolicy": policy}}


def claim(*owners: dict[str, Any]) -> Object:
    """The claim of db-2."""
    return {"metadata": {"name": "data-db-2", "ownerReferences": list(owners)}}


@pytest.mark.parametrize(
    ("deleted", "scaled", "condemned", "kinds"),
    [
        ("Retain", "Retain", False, None),
        ("Retain", "Retain", True, None),
        ("Delete", "Retain", False, ["StatefulSet"]),
        ("Delete", "Retain", True, ["StatefulSet"]),
        ("Retain", "Delete", False, None),
        ("Retain", "Delete", True, ["Pod"]),
        ("Delete", "Delete", False, ["StatefulSet"]),
        ("Delete", "Delete", True, ["Pod"]),
    ],
)
def test_owners_by_policy(deleted: str, scaled: str, condemned: bool, kinds: list[str] | None) -> None:
    found = owners_of_claim(owner(deleted, scaled), claim(), POD, condemned=condemned)
    assert [ref["kind"] for ref in found or ()] == (kinds or [])
    if found is None:
        assert kinds is None
    else:
        assert owners_of_claim(owner(deleted, scaled), claim(*found), POD, condemned=condemned) is None


def test_a_changed_policy_takes_owners_away_but_no_one_elses() -> None:
    before = owners_of_claim(owner("Delete", "Retain"), claim(OTHER), POD, condemned=False) or []
    assert owners_of_claim(owner("Retain", "Retain"), claim(*before), POD, condemned=False) == [OTHER]


def test_a_claim_that_goes_with_an_earlier_pod_is_stale() -> None:
    assert is_stale(claim({"apiVersion": "v1", "kind": "Pod", "name": "db-2", "uid": "older"}), "db-2")
    assert not is_stale(claim(OTHER), "db-2")
    going = claim()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert is_stale(going, "db-2")
