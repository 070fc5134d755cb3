"""From when the latency of network programming counts."""

from __future__ import annotations

from apimachinery.objects import Object
from proxy.programming import PendingChanges

_NAME = "endpoints.kubernetes.io/last-change-trigger-time"


def changed_at(when: str) -> Object:
    return {"metadata": {"name": "web-abcde", "annotations": {_NAME: when}}}


def test_only_new_triggers_since_the_start_count() -> None:
    pending = PendingChanges(clock=lambda: 1_700_000_000.0)
    first, second = changed_at("2023-11-14T22:13:21Z"), changed_at("2023-11-14T22:13:25Z")
    pending.note(None, changed_at("2023-11-14T22:13:19Z"))  # before this process began
    pending.note(None, first)
    pending.note(first, first)  # something else changed
    pending.note(first, second)
    pending.note(second, changed_at("tomorrow"))
    pending.note(second, {"metadata": {"name": "web-abcde"}})
    taken = pending.take()
    assert taken == [1_700_000_001.0, 1_700_000_005.0]
    assert pending.take() == []
    pending.put_back(taken)
    assert pending.take() == taken
