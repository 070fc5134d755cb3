"""Who must be looked at after a change of owners or dependents."""

from __future__ import annotations

from typing import Any

from api.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from apimachinery.objects import Object
from controller.garbagecollector.graph import Graph


def _obj(uid: str, *owners: str, block: bool = True, **meta: Any) -> Object:
    refs = [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "blockOwnerDeletion": block}
        for owner in owners
    ]
    return {"metadata": {"uid": uid, "name": uid, "namespace": "default", "ownerReferences": refs, **meta}}


def test_dependents_are_woken_when_their_owner_goes() -> None:
    graph = Graph()
    assert graph.seen(REPLICA_SETS, _obj("rs")) == []
    assert graph.seen(PODS, _obj("p1", "rs")) == []
    assert graph.seen(PODS, _obj("p2", "rs")) == []
    assert set(graph.gone("rs")) == {"p1", "p2"}


def test_an_unknown_owner_is_looked_up_and_its_absence_wakes_the_dependents() -> None:
    graph = Graph()
    assert graph.seen(PODS, _obj("p1", "rs")) == ["rs"]
    node = graph.get("rs")
    assert node is not None
    assert node.virtual
    assert graph.gone("rs") == ["p1"]


def test_an_unknown_owner_that_appears_later_keeps_its_dependents() -> None:
    graph = Graph()
    graph.seen(PODS, _obj("p1", "rs"))
    assert graph.seen(REPLICA_SETS, _obj("rs")) == []
    node = graph.get("rs")
    assert node is not None
    assert not node.virtual
    assert [d.uid for d in graph.dependents(node)] == ["p1"]


def test_a_foreground_deletion_wakes_dependents_and_ends_with_the_last_blocking_one() -> None:
    graph = Graph()
    graph.seen(DEPLOYMENTS, _obj("d"))
    graph.seen(REPLICA_SETS, _obj("rs", "d"))
    graph.seen(REPLICA_SETS, _obj("free", "d", block=False))
    deleting = _obj("d", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["foregroundDeletion"])
    assert set(graph.seen(DEPLOYMENTS, deleting)) == {"d", "rs", "free"}
    node = graph.get("d")
    assert node is not None
    assert [d.uid for d in graph.blocking(node)] == ["rs"]
    assert graph.gone("rs") == ["d"]
    assert graph.blocking(node) == []


def test_a_released_object_no_longer_hangs_on_its_owner() -> None:
    graph = Graph()
    graph.seen(REPLICA_SETS, _obj("rs"))
    graph.seen(PODS, _obj("p1", "rs"))
    assert "p1" in graph.seen(PODS, _obj("p1"))
    assert graph.gone("rs") == []


def test_virtual_owners_do_not_pile_up() -> None:
    graph = Graph()
    graph.seen(PODS, _obj("p1", "rs"))
    graph.gone("p1")
    assert len(graph) == 0
