"""Pods waiting for a node: ready now, backing off, or unschedulable until something changes. No I/O; time is passed in.

The three parts and the moves between them are those of kube-scheduler's internal/queue: higher priority first, then
whoever waited longest; a failed pod backs off for 1 s doubling to 10 s; an unschedulable one waits for an event that
could change the mind of a rule that refused it, or five minutes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field

from apimachinery.objects import Object
from scheduler.podinfo import PodInfo

INITIAL_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 10.0
MAX_UNSCHEDULABLE_SECONDS = 300.0


@dataclass(slots=True)
class Waiting:
    """One pod in the queue and its history."""

    info: PodInfo
    since: float  #: when it entered its part of the queue
    attempts: int = 0
    refused_by: frozenset[str] = field(default_factory=frozenset)


class SchedulingQueue:
    """At most one entry per pod, keyed by "namespace/name"."""

    def __init__(self, *, max_unschedulable_seconds: float = MAX_UNSCHEDULABLE_SECONDS) -> None:
        self._max_unschedulable = max_unschedulable_seconds
        self._entries: dict[str, Waiting] = {}  # in any part
        self._active: list[tuple[int, float, int, str]] = []
        self._backoff: list[tuple[float, int, str]] = []
        self._place: dict[str, tuple[str, int]] = {}  # key -> part and the number of its valid heap item
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._entries)

    def counts(self) -> dict[str, int]:
        """How many pods are in each part."""
        out = {"active": 0, "backoff": 0, "unschedulable": 0, "gated": 0}
        for part, _ in self._place.values():
            out[part] += 1
        return out

    def add(self, info: PodInfo, now: float) -> None:
        """A new pod, to be tried at once unless gates hold it."""
        self._entries[info.key] = Waiting(info, now)
        self._enter(info.key, "gated" if gated(info.pod) else "active", now)

    def update(self, info: PodInfo, now: float) -> None:
        """The pod changed; one that waited as unschedulable is tried again if what it asks for changed."""
        entry = self._entries.get(info.key)
        if entry is None or entry.info.uid != info.uid:
            self.add(info, now)
            return
        changed = _asks(entry.info.pod) != _asks(info.pod)
        entry.info = info
        part, _ = self._place[info.key]
        if part == "gated" and not gated(info.pod):
            self._enter(info.key, "active", now)
        elif part == "unschedulable" and changed:
            self._retry(info.key, now)

    def remove(self, key: str) -> None:
        """The pod is gone or has its node."""
        self._entries.pop(key, None)
        self._place.pop(key, None)

    def pop(self, now: float) -> Waiting | None:
        """The pod to try next; None where none is ready. Its entry leaves the queue and counts one more attempt."""
        self.flush(now)
        while self._active:
            _, _, number, key = heapq.heappop(self._active)
            if self._place.get(key) == ("active", number):
                entry = self._entries.pop(key)
                del self._place[key]
                entry.attempts += 1
                return entry
        return None

    def unschedulable(self, entry: Waiting, refused_by: frozenset[str], now: float) -> None:
        """No node does for now: wait for a change."""
        if entry.info.key in self._entries:
            return  # deleted and created anew meanwhile
        entry.refused_by = refused_by
        entry.since = now
        self._entries[entry.info.key] = entry
        self._enter(entry.info.key, "unschedulable", now)

    def retry_later(self, entry: Waiting, now: float) -> None:
        """The attempt failed for another reason (binding, the API server): back off."""
        if entry.info.key in self._entries:
            return
        entry.since = now
        self._entries[entry.info.key] = entry
        self._retry(entry.info.key, now)

    def move(self, rules: Iterable[str] | None, now: float) -> None:
        """Something changed that may change the minds of these rules (None: of any): try whom they refused again."""
        wanted = None if rules is None else frozenset(rules)
        for key, (part, _) in list(self._place.items()):
            if part != "unschedulable":
                continue
            entry = self._entries[key]
            if wanted is None or not entry.refused_by or entry.refused_by & wanted:
                self._retry(key, now)

    def flush(self, now: float) -> None:
        """Let those go whose back-off, or whose five minutes, are over."""
        while self._backoff and self._backoff[0][0] <= now:
            _, number, key = heapq.heappop(self._backoff)
            if self._place.get(key) == ("backoff", number):
                self._enter(key, "active", now)

    def flush_unschedulable(self, now: float) -> None:
        """Try again whoever has waited too long for an event; call every half minute or so."""
        for key, (part, _) in list(self._place.items()):
            if part == "unschedulable" and now - self._entries[key].since > self._max_unschedulable:
                self._retry(key, now)

    def next_time(self) -> float | None:
        """When the next back-off ends; None where nobody backs off."""
        return self._backoff[0][0] if self._backoff else None

    def _retry(self, key: str, now: float) -> None:
        entry = self._entries[key]
        ready_at = entry.since + backoff_seconds(entry.attempts)
        if ready_at <= now:
            self._enter(key, "active", now)
        else:
            self._enter(key, "backoff", ready_at)

    def _enter(self, key: str, part: str, when: float) -> None:
        self._sequence += 1
        self._place[key] = (part, self._sequence)
        if part == "active":
            entry = self._entries[key]
            heapq.heappush(self._active, (-entry.info.priority, entry.since, self._sequence, key))
        elif part == "backoff":
            heapq.heappush(self._backoff, (when, self._sequence, key))


def backoff_seconds(attempts: int) -> float:
    """1 s after the first attempt, doubling up to 10 s."""
    if attempts <= 0:
        return 0.0
    return float(min(INITIAL_BACKOFF_SECONDS * 2 ** (min(attempts, 16) - 1), MAX_BACKOFF_SECONDS))


def gated(pod: Object) -> bool:
    """Whether spec.schedulingGates holds the pod."""
    return bool((pod.get("spec") or {}).get("schedulingGates"))


def _asks(pod: Object) -> tuple[object, ...]:
    metadata = pod.get("metadata") or {}
    return pod.get("spec"), metadata.get("labels"), metadata.get("annotations")
