"""The log of revisions in SQLite: one append-only table, in which a row says what a key became at a revision.

Blocking, and used by one thread only; `store.py` is the asynchronous front. The state at any kept revision is each
key's last row at or before it. Compaction deletes the rows that no kept revision can see."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from apiserver.storage.interface import (
    Compacted,
    Delete,
    FutureRevision,
    Mismatch,
    Page,
    Put,
    Revision,
    StorageError,
    StorageEvent,
    Stored,
    Unavailable,
)

_LOCK_SECONDS = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB,              -- NULL: deleted
    expires_at REAL          -- seconds since the epoch; NULL: never
);
CREATE UNIQUE INDEX IF NOT EXISTS log_key ON log (key, revision);
CREATE INDEX IF NOT EXISTS log_revision ON log (revision);
CREATE INDEX IF NOT EXISTS log_expiry ON log (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
INSERT OR IGNORE INTO meta VALUES ('compacted', 0), ('revision', 1);
"""

#: The state below a prefix at a revision: each key's last row that is not a deletion.
_LAST_ROWS = """
    SELECT key, max(revision) AS revision, value FROM log
    WHERE key > :after AND key >= :start AND key < :end AND revision <= :revision
    GROUP BY key HAVING value IS NOT NULL
"""

_Row = tuple[str, bytes, int]


def prefix_end(prefix: str) -> str:
    """The least string greater than all that begin with `prefix`."""
    for at in range(len(prefix) - 1, -1, -1):
        if prefix[at] < "\U0010ffff":
            return prefix[:at] + chr(ord(prefix[at]) + 1)
    return "\U0010ffff" * 8


class Database:
    """One open store file, locked for this process. Every method may raise `Unavailable` (disk full, file damaged)."""

    def __init__(self, path: str) -> None:
        with _translated():
            if path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=_LOCK_SECONDS, check_same_thread=False
            )
            for pragma in ("auto_vacuum=INCREMENTAL", "locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=FULL"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_SCHEMA)
            self.compacted = self._number("compacted")
            newest = self._connection.execute("SELECT max(revision) FROM log").fetchone()[0] or 0
            self.revision: Revision = max(newest, self._number("revision"))

    def close(self) -> None:
        """Give back the file."""
        self._connection.close()

    def get(self, key: str) -> Stored | None:
        """The key now."""
        with _translated():
            row = self._connection.execute(
                "SELECT value, revision FROM log WHERE key = ? ORDER BY revision DESC LIMIT 1", (key,)
            ).fetchone()
        return None if row is None or row[0] is None else Stored(key, row[0], row[1])

    def page(self, prefix: str, limit: int, start_after: str, revision: Revision) -> Page:
        """One page; raises `Compacted`, `FutureRevision`."""
        at = revision or self.revision
        self._check_kept(at)
        where = {"after": start_after, "start": prefix, "end": prefix_end(prefix), "revision": at}
        with _translated():
            query = f"{_LAST_ROWS} ORDER BY key LIMIT :limit"
            rows: list[_Row] = [
                (key, value, modified)
                for key, modified, value in self._connection.execute(query, {**where, "limit": limit or -1})
            ]
            remaining = 0
            if limit and len(rows) == limit:
                where["after"] = rows[-1][0]
                remaining = self._connection.execute(f"SELECT count(*) FROM ({_LAST_ROWS})", where).fetchone()[0]
        return Page([Stored(*row) for row in rows], at, remaining)

    def commit_all(
        self, commits: Sequence[tuple[Sequence[Put | Delete], float]]
    ) -> tuple[list[Revision | Mismatch], list[StorageEvent]]:
        """Apply each commit (its writes and the time in seconds since the epoch) or refuse it, all durable together.

        Returns per commit its revision or what was wrong, and the events of all."""
        results: list[Revision | Mismatch] = []
        events: list[StorageEvent] = []
        before = self.revision
        try:
            with self._transaction():
                for writes, now in commits:
                    wrong = self._first_mismatch(writes)
                    if wrong is not None:
                        results.append(wrong)
                        continue
                    self.revision += 1
                    events.extend(self._append(write, now) for write in writes)
                    results.append(self.revision)
        except StorageError:
            self.revision = before
            raise
        return results, events

    def expire(self, now: float) -> list[StorageEvent]:
        """Delete, at one new revision, the keys whose time is over."""
        with _translated():
            over = self._connection.execute(
                "SELECT key, revision FROM log WHERE expires_at <= ? AND value IS NOT NULL", (now,)
            ).fetchall()
        writes: list[Put | Delete] = []
        for key, revision in over:
            current = self.get(key)
            if current is not None and current.revision == revision:
                writes.append(Delete(key, revision))
        events = self.commit_all([(writes, now)])[1] if writes else []
        if over:
            with self._transaction() as connection:
                connection.execute("UPDATE log SET expires_at = NULL WHERE expires_at <= ?", (now,))
        return events

    def history(self, prefix: str, after: Revision, limit: int) -> tuple[list[StorageEvent], Revision]:
        """Changes with a greater revision, and the revision up to which these are all: whole revisions only, `limit`
        changes of any prefix or somewhat more. Raises `Compacted`."""
        if after < self.compacted:
            raise Compacted(f"revision {after} is compacted, oldest kept: {self.compacted}")
        with _translated():
            last = self._connection.execute(
                "SELECT revision FROM log WHERE revision > ? ORDER BY revision LIMIT 1 OFFSET ?", (after, limit)
            ).fetchone()
            upto: Revision = last[0] if last else self.revision
            rows = self._connection.execute(
                "SELECT key, value, revision FROM log WHERE revision > ? AND revision <= ? AND key >= ? AND key < ?"
                " ORDER BY revision, key",
                (after, upto, prefix, prefix_end(prefix)),
            ).fetchall()
        events = [StorageEvent("delete" if value is None else "put", key, value or b"", at) for key, value, at in rows]
        return events, upto

    def compact(self, revision: Revision) -> None:
        """Forget what only revisions before `revision` can see; raises `Compacted`, `FutureRevision`."""
        if revision <= self.compacted:
            raise Compacted(f"revision {revision} is compacted already")
        self._check_kept(revision)
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM log WHERE revision < :at AND EXISTS (SELECT 1 FROM log AS newer WHERE newer.key = log.key"
                " AND newer.revision > log.revision AND newer.revision <= :at)",
                {"at": revision},
            )
            connection.execute("DELETE FROM log WHERE value IS NULL AND revision <= ?", (revision,))
            connection.execute("UPDATE meta SET number = ? WHERE name = 'compacted'", (revision,))
            connection.execute("UPDATE meta SET number = ? WHERE name = 'revision'", (self.revision,))
        self.compacted = revision
        with _translated():
            self._connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page only

    def size_bytes(self) -> int:
        """Pages in use times their size."""
        with _translated():
            pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
            size = self._connection.execute("PRAGMA page_size").fetchone()[0]
        return int(pages) * int(size)

    def _number(self, name: str) -> int:
        return int(self._connection.execute("SELECT number FROM meta WHERE name = ?", (name,)).fetchone()[0])

    def _check_kept(self, revision: Revision) -> None:
        if revision > self.revision:
            raise FutureRevision(f"revision {revision} is in the future, newest: {self.revision}")
        if revision < self.compacted:
            raise Compacted(f"revision {revision} is compacted, oldest kept: {self.compacted}")

    def _first_mismatch(self, writes: Sequence[Put | Delete]) -> Mismatch | None:
        for write in writes:
            current = self.get(write.key)
            if (current.revision if current else 0) != write.expected:
                return Mismatch(write.key, current)
        return None

    def _append(self, write: Put | Delete, now: float) -> StorageEvent:
        value = write.value if isinstance(write, Put) else None
        ttl = write.ttl_seconds if isinstance(write, Put) else 0
        self._connection.execute(
            "INSERT INTO log (revision, key, value, expires_at) VALUES (?, ?, ?, ?)",
            (self.revision, write.key, value, now + ttl if ttl else None),
        )
        return StorageEvent("delete" if value is None else "put", write.key, value or b"", self.revision)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _translated():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            with _translated():
                yield self._connection
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"sqlite: {error}") from error
