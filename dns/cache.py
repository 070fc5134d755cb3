"""A bounded memory of values that grow old: the least recently used makes room. Pure; the time is passed in."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Kept(Generic[V]):
    """A value, and how long it has been here."""

    value: V
    age_seconds: int


class TtlCache(Generic[K, V]):
    """At most `capacity` values (0: none), each until its time is over. Times in seconds of any one clock."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[K, tuple[V, float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K, now: float) -> Kept[V] | None:
        """The value, unless it is too old."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, since, until = entry
        if now >= until:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return Kept(value, int(now - since))

    def put(self, key: K, value: V, now: float, keep_seconds: float) -> None:
        """Keep a value; not at all where `keep_seconds` is 0."""
        if keep_seconds <= 0 or self._capacity <= 0:
            self._entries.pop(key, None)
            return
        self._entries[key] = (value, now, now + keep_seconds)
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
