"""What becomes of one object, given what is known of its owners. Pure; `controller.py` carries it out.

The rules are those of attemptToDeleteItem in pkg/controller/garbagecollector/garbagecollector.go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from controller.garbagecollector.graph import FOREGROUND, ORPHAN

OwnerState = Literal["solid", "absent", "waiting"]
Policy = Literal["Background", "Foreground", "Orphan"]


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class DropOwners:
    """Remove these owner references: other owners keep the object."""

    uids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Delete:
    """No owner keeps the object."""

    policy: Policy


Action = Keep | DropOwners | Delete


def decide(owners: Mapping[str, OwnerState], finalizers: Collection[str], *, has_dependents: bool) -> Action:
    """`owners`: each owner's uid with whether it exists, is absent, or waits for its dependents to go."""
    if not owners:
        return Keep()
    going = frozenset(uid for uid, state in owners.items() if state != "solid")
    if len(going) < len(owners):
        return DropOwners(going) if going else Keep()
    if "waiting" in owners.values() and has_dependents:
        return Delete("Foreground")
    if ORPHAN in finalizers:
        return Delete("Orphan")
    if FOREGROUND in finalizers:
        return Delete("Foreground")
    return Delete("Background")
