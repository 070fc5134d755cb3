"""The storage protocol: a revisioned key-value store with atomic conditional writes and a watch.

Every overwrite names the revision it read. Implemented by `etcd3` and `sqlite`; one contract suite runs on both.
Keys are absolute ("/registry/pods/default/web"); values are JSON bytes of the object without resourceVersion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Revision = int


class StorageError(Exception):
    """Base of what a store may raise."""


class Unavailable(StorageError):
    """The store does not answer; a write that was under way may or may not have taken effect."""


class Compacted(StorageError):
    """The revision asked for is no longer kept."""


class FutureRevision(StorageError):
    """The revision asked for lies in the future."""


class Mismatch(StorageError):
    """A write's expectation did not hold; nothing was written. `current` is what lies at `key` now, None if nothing."""

    def __init__(self, key: str, current: Stored | None) -> None:
        super().__init__(f"{key} is at revision {current.revision if current else 0}")
        self.key = key
        self.current = current


@dataclass(frozen=True, slots=True)
class Stored:
    """One key as it lies in the store."""

    key: str
    value: bytes
    revision: Revision  #: of its last modification (etcd: mod_revision)
    problem: str = ""  #: why `value` cannot be decrypted: it is then as it lies in the store
    stale: bool = False  #: encrypted by another key than the one that writes


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, all of it from one revision of the store."""

    items: list[Stored]
    revision: Revision  #: of the store when the page was read (or the one asked for)
    remaining: int  #: keys after this page


@dataclass(frozen=True, slots=True)
class Put:
    """Write `value`; `expected` is the revision read before, 0 where the key must not exist."""

    key: str
    value: bytes
    expected: Revision
    ttl_seconds: int = 0  #: 0: for ever


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the key; `expected` is the revision read before."""

    key: str
    expected: Revision


@dataclass(frozen=True, slots=True)
class StorageEvent:
    """One change. What it replaced is not carried: a consumer that follows from a list knows it."""

    type: Literal["put", "delete"]
    key: str
    value: bytes  #: b"" on delete
    revision: Revision
    problem: str = ""  #: as of `Stored`


@dataclass(frozen=True, slots=True)
class WatchBatch:
    """Events in order of revision (a revision is never split over batches), or none: progress up to `revision`."""

    events: Sequence[StorageEvent]
    revision: Revision


class Storage(Protocol):
    """What the API server asks of its store. Every call has a time limit and raises `Unavailable` past it."""

    async def get(self, key: str) -> Stored | None:
        """The key now (a linearizable read), None where it does not exist."""
        ...

    async def list(self, prefix: str, *, limit: int = 0, start_after: str = "", revision: Revision = 0) -> Page:
        """Keys below `prefix` in byte order, after the key `start_after`; raises `Compacted`, `FutureRevision`."""
        ...

    async def commit(self, writes: Sequence[Put | Delete]) -> Revision:
        """Apply all writes atomically at one revision, which is returned; raises `Mismatch` and then writes none."""
        ...

    async def current_revision(self) -> Revision:
        """The newest revision of the store (a linearizable read)."""
        ...

    def watch(self, prefix: str, *, after: Revision) -> AsyncIterator[WatchBatch]:
        """Every change below `prefix` ("" for all keys) with revision > `after`, and progress from time to time.

        Every commit has a revision of its own, one more than the last: a watch of all keys sees each number once.
        Raises `Compacted` where history does not reach back; ends by an exception only. Reconnects by itself.
        The consumer's speed never holds up other watches."""
        ...

    async def compact(self, revision: Revision) -> None:
        """Forget history before `revision`."""
        ...

    async def size_bytes(self) -> int:
        """The size of the store on disk."""
        ...

    async def close(self) -> None:
        """Give back connections and files; running watches end with `Unavailable`."""
        ...
