"""Writes whose effect the informers have not shown yet: until they have, a controller must not count again.

No I/O; time is passed in. Keyed by the owner's key; deletions are known by uid, creations by number
(pkg/controller's UIDTrackingControllerExpectations)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

EXPIRE_SECONDS = 300.0


@dataclass(slots=True)
class _Pending:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """What each key still waits to see. A wait ends after five minutes, should an event never come."""

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def satisfied(self, key: str, now: float) -> bool:
        """Whether the key may be synced: nothing is awaited, or it took too long."""
        pending = self._pending.get(key)
        if pending is None:
            return True
        return (pending.creations <= 0 and not pending.deletions) or now - pending.since > EXPIRE_SECONDS

    def expect_creations(self, key: str, count: int, now: float) -> None:
        """`count` creations are about to be asked for."""
        self._pending[key] = _Pending(now, creations=count)

    def expect_deletions(self, key: str, uids: Iterable[str], now: float) -> None:
        """The deletion of these is about to be asked for."""
        self._pending[key] = _Pending(now, deletions=set(uids))

    def creation_observed(self, key: str, count: int = 1) -> None:
        """A creation showed, or failed."""
        pending = self._pending.get(key)
        if pending is not None:
            pending.creations -= count

    def deletion_observed(self, key: str, uid: str) -> None:
        """A deletion showed, or failed."""
        pending = self._pending.get(key)
        if pending is not None:
            pending.deletions.discard(uid)

    def forget(self, key: str) -> None:
        """The owner is gone."""
        self._pending.pop(key, None)
