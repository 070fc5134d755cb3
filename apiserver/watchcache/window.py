"""The recent changes of one resource, in order of revision, bounded in number, bytes and age.

Pure. A watcher is no queue but a position in this window: what falls out of it before a watcher has read it cuts that
watcher, so a slow one never costs memory. `watcher.py` reads it, `cache.py` fills it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import orjson

from apimachinery.objects import Object
from apiserver.watchcache.encoding import at_revision, frame, object_at_revision, split_head

#: Turns an object into what a watcher asked for (a Table, another version); frames are cached by it.
Transform = Callable[[Object], Object]

#: Reads one field of an object; the same function object for the same field.
FieldOf = Callable[[Object], str]

_MAX_EVENTS = 10_000
_MAX_BYTES = 24 << 20
_KEEP_SECONDS = 300.0  #: as long as the reference's etcd keeps history between compactions
_KEEP_FRAMES_SECONDS = 5.0
_KEEP_EVENTS = 100  #: kept whatever their age


class CachedObject:
    """One object as last written: decoded (never to be changed by a reader) and as the JSON bytes clients get.

    The bytes are kept in two parts because lists show their items without apiVersion and kind: `head` says these (it is
    the same object for all that say the same), `tail` is all from the metadata on."""

    __slots__ = ("_obj", "head", "key", "name", "namespace", "revision", "tail")

    def __init__(self, key: str, namespace: str, name: str, raw: bytes, revision: int, obj: Object | None) -> None:
        self.key = key  #: "namespace/name", or "name"
        self.namespace = namespace
        self.name = name
        self.head, self.tail = split_head(raw)
        self.revision = revision
        self._obj = obj

    @property
    def size(self) -> int:
        """Bytes of what a client gets, about."""
        return len(self.tail)

    @property
    def raw(self) -> bytes:
        """JSON with the resourceVersion."""
        return self.head + self.tail

    @property
    def obj(self) -> Object:
        """The object with its resourceVersion; shared, so never change it."""
        if self._obj is None:
            self._obj = orjson.loads(self.head + self.tail)
        return self._obj


@dataclass(frozen=True, slots=True)
class Trigger:
    """A value that a field must have for a watcher to care at all: a cheap first look (spec.nodeName of a kubelet)."""

    field_of: FieldOf
    value: str


@dataclass(slots=True)
class Change:
    """One change of one object: `current` is None on delete, `previous` None on create."""

    revision: int
    current: CachedObject | None
    previous: CachedObject | None
    seconds: float  #: on the loop's clock, when it was seen
    _frames: dict[tuple[str, Transform | None], bytes] = field(default_factory=dict)
    _values: dict[FieldOf, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def subject(self) -> CachedObject:
        """The state that says which object this is about: the newest there was."""
        subject = self.current or self.previous
        if subject is None:
            raise ValueError(f"a change without an object at revision {self.revision}")
        return subject

    def touches(self, trigger: Trigger) -> bool:
        """Whether the object has, or had before, the trigger's value: found out once for all watchers of the field."""
        values = self._values.get(trigger.field_of)
        if values is None:
            read = trigger.field_of
            before = read(self.previous.obj) if self.previous else None
            values = self._values[read] = (before, read(self.current.obj) if self.current else None)
        return trigger.value in values

    def frame_of(self, event_type: str, transform: Transform | None) -> bytes:
        """The line a watcher gets, made once per event type and transform. DELETED shows the state before."""
        made = self._frames.get((event_type, transform))
        if made is None:
            made = self._frames[event_type, transform] = self._make_frame(event_type, transform)
        return made

    def _make_frame(self, event_type: str, transform: Transform | None) -> bytes:
        state = self.previous if event_type == "DELETED" else self.current
        if state is None:
            raise ValueError(f"{event_type} at revision {self.revision} has no state to show")
        if transform is None:
            return frame(event_type, at_revision(state.raw, state.revision, self.revision))
        return frame(event_type, orjson.dumps(transform(object_at_revision(state.obj, self.revision))))

    def forget_frames(self) -> None:
        """Whoever keeps up has read them; a watcher that lags has them made again."""
        self._frames.clear()

    @property
    def size(self) -> int:
        """Bytes this change keeps alive beyond what the cache itself holds, about."""
        return (self.current.size if self.current else 0) + (self.previous.size if self.previous else 0)


class Sized(Protocol):
    """What a watcher may be shown."""

    @property
    def size(self) -> int:
        """Bytes, about."""


SizedT = TypeVar("SizedT", bound=Sized)


def fitting(items: Sequence[SizedT], max_bytes: int) -> Sequence[SizedT]:
    """The first of them that are no more than so many bytes together, but at least one where there is any."""
    total = 0
    for count, item in enumerate(items):
        total += item.size
        if total > max_bytes and count:
            return items[:count]
    return items


class Window:
    """The changes after `base` (a revision: history is complete above it), each at a position that never changes."""

    def __init__(self, base: int, *, max_events: int = _MAX_EVENTS, max_bytes: int = _MAX_BYTES) -> None:
        self.base = base
        self._changes: list[Change] = []
        self._first = 0  # position of _changes[0]
        self._framed = 0  # changes before this position have no frames any more
        self._bytes = 0
        self._max_events = max_events
        self._max_bytes = max_bytes

    @property
    def capacity(self) -> int:
        """Most changes that it holds."""
        return self._max_events

    @property
    def end(self) -> int:
        """The position that the next change will have."""
        return self._first + len(self._changes)

    def append(self, change: Change) -> None:
        """Add the newest change, forgetting the oldest where bounds ask for it."""
        self._changes.append(change)
        self._bytes += change.size
        excess = 0
        while len(self._changes) - excess > self._max_events or (
            self._bytes > self._max_bytes and len(self._changes) - excess > 1
        ):
            self._bytes -= self._changes[excess].size
            excess += 1
        if excess:
            self._drop(excess)

    def forget_before(self, seconds: float) -> None:
        """Drop changes older than `_KEEP_SECONDS` at the time `seconds`, but for the last few; frames much sooner."""
        while self._framed < self.end:
            change = self._changes[max(0, self._framed - self._first)]
            if change.seconds > seconds - _KEEP_FRAMES_SECONDS:
                break
            change.forget_frames()
            self._framed = max(self._framed, self._first) + 1
        oldest = seconds - _KEEP_SECONDS
        count = 0
        spare = len(self._changes) - _KEEP_EVENTS
        while count < spare and self._changes[count].seconds < oldest:
            self._bytes -= self._changes[count].size
            count += 1
        if count:
            self._drop(count)

    def position_after(self, revision: int) -> int | None:
        """Where changes with a greater revision begin; None where they are not all kept any more."""
        if revision < self.base:
            return None
        return self._first + bisect_right(self._changes, revision, key=lambda change: change.revision)

    def since(self, position: int, limit: int, max_bytes: int) -> Sequence[Change] | None:
        """At most `limit` changes from `position` on, of `max_bytes` together unless the first alone is more; None
        where some of them are gone."""
        start = position - self._first
        if start < 0:
            return None
        return fitting(self._changes[start : start + limit], max_bytes)

    def _drop(self, count: int) -> None:
        self.base = self._changes[count - 1].revision
        del self._changes[:count]
        self._first += count
