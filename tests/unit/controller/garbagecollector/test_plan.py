"""What becomes of an object whose owners exist, are gone, or are going."""

from __future__ import annotations

import pytest

from controller.garbagecollector.plan import Action, Delete, DropOwners, Keep, OwnerState, decide

CASES: list[tuple[dict[str, OwnerState], list[str], bool, Action]] = [
    ({}, [], False, Keep()),
    ({"a": "solid"}, [], True, Keep()),
    ({"a": "solid", "b": "absent"}, [], True, DropOwners(frozenset("b"))),
    ({"a": "solid", "b": "waiting"}, [], True, DropOwners(frozenset("b"))),
    ({"a": "absent"}, [], True, Delete("Background")),
    ({"a": "absent"}, ["orphan"], True, Delete("Orphan")),
    ({"a": "absent"}, ["foregroundDeletion"], True, Delete("Foreground")),
    ({"a": "waiting"}, [], True, Delete("Foreground")),
    ({"a": "waiting"}, [], False, Delete("Background")),
    ({"a": "waiting", "b": "absent"}, [], True, Delete("Foreground")),
]


@pytest.mark.parametrize(("owners", "finalizers", "has_dependents", "expected"), CASES)
def test_decide(owners: dict[str, OwnerState], finalizers: list[str], has_dependents: bool, expected: Action) -> None:
    assert decide(owners, finalizers, has_dependents=has_dependents) == expected
