"""The order in which pods are tried, and when again."""

from __future__ import annotations

import pytest

from scheduler import events
from scheduler.queue import SchedulingQueue, backoff_seconds
from tests.unit.scheduler.cluster import pod


def popped(queue: SchedulingQueue, now: float) -> list[str]:
    """All names that are ready, in order."""
    names = []
    while (entry := queue.pop(now)) is not None:
        names.append(entry.info.name)
    return names


def test_priority_first_then_age() -> None:
    queue = SchedulingQueue()
    queue.add(pod("old"), 1.0)
    queue.add(pod("new"), 2.0)
    queue.add(pod("important", priority=10), 3.0)
    assert popped(queue, 3.0) == ["important", "old", "new"]


def test_an_unschedulable_pod_waits_for_an_event_that_can_help() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0.0)
    entry = queue.pop(0.0)
    assert entry is not None
    queue.unschedulable(entry, frozenset({"NodeResourcesFit"}), 0.0)
    queue.move(events.STORAGE_CHANGED, 5.0)
    assert popped(queue, 5.0) == []
    queue.move(events.POD_GONE, 5.0)
    assert popped(queue, 5.0) == ["p"]


def test_an_event_within_the_back_off_waits_for_its_end() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0.0)
    entry = queue.pop(0.0)
    assert entry is not None
    queue.unschedulable(entry, frozenset({"NodeResourcesFit"}), 0.0)
    queue.move(None, 0.5)
    assert queue.counts()["backoff"] == 1
    assert queue.next_time() == 1.0
    assert popped(queue, 0.9) == []
    assert popped(queue, 1.0) == ["p"]


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 0), (1, 1), (2, 2), (4, 8), (5, 10), (50, 10)])
def test_back_off_doubles_to_ten_seconds(attempts: int, seconds: float) -> None:
    assert backoff_seconds(attempts) == seconds


def test_nothing_waits_for_ever() -> None:
    queue = SchedulingQueue(max_unschedulable_seconds=300)
    queue.add(pod("p"), 0.0)
    entry = queue.pop(0.0)
    assert entry is not None
    queue.unschedulable(entry, frozenset({"NodeName"}), 0.0)
    queue.flush_unschedulable(299.0)
    assert popped(queue, 299.0) == []
    queue.flush_unschedulable(301.0)
    assert popped(queue, 301.0) == ["p"]


def test_gates_hold_a_pod_until_the_last_is_gone() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p", schedulingGates=[{"name": "g"}]), 0.0)
    queue.move(None, 1.0)
    assert popped(queue, 1.0) == []
    queue.update(pod("p"), 2.0)
    assert popped(queue, 2.0) == ["p"]


def test_a_change_of_what_is_asked_is_worth_a_try_a_new_status_is_not() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p", cpu="4"), 0.0)
    entry = queue.pop(0.0)
    assert entry is not None
    queue.unschedulable(entry, frozenset({"NodeResourcesFit"}), 0.0)
    told = pod("p", cpu="4")
    told.pod["status"] = {"conditions": []}
    queue.update(told, 5.0)
    assert popped(queue, 5.0) == []
    queue.update(pod("p", cpu="1"), 5.0)
    assert popped(queue, 5.0) == ["p"]


def test_a_pod_made_anew_while_the_old_one_was_tried_stays() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0.0)
    entry = queue.pop(0.0)
    assert entry is not None
    queue.add(pod("p", cpu="1"), 1.0)
    queue.retry_later(entry, 1.0)
    assert popped(queue, 1.0) == ["p"]
    assert len(queue) == 0


def test_removed_pods_do_not_come_back() -> None:
    queue = SchedulingQueue()
    queue.add(pod("p"), 0.0)
    queue.remove("default/p")
    assert popped(queue, 0.0) == []
