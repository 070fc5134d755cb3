"""What the contract of all stores does not say: the file, its lock, and what is left in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from apiserver.storage.interface import Delete, Mismatch, Put, Unavailable
from apiserver.storage.sqlite.database import Database


def test_a_file_is_opened_again_where_it_was_left(tmp_path: Path) -> None:
    path = str(tmp_path / "deep" / "store.db")
    database = Database(path)
    assert database.commit_all([([Put("/a", b"1", 0)], 0.0)])[0] == [2]
    assert database.commit_all([([Delete("/a", 2)], 0.0)])[0] == [3]
    database.compact(3)
    database.close()
    again = Database(path)
    assert (again.revision, again.compacted) == (3, 3)
    assert again.commit_all([([Put("/b", b"1", 0)], 0.0)])[0] == [4]


def test_two_processes_cannot_share_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.storage.sqlite.database._LOCK_SECONDS", 0.05)
    first = Database(str(tmp_path / "store.db"))
    with pytest.raises(Unavailable, match="database is locked"):
        Database(str(tmp_path / "store.db"))
    first.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("not a database, but long enough to look at" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        Database(str(tmp_path / "store.db"))


def test_a_group_shares_a_transaction_but_not_its_failures() -> None:
    database = Database(":memory:")
    results, events = database.commit_all(
        [([Put("/a", b"1", 0)], 0.0), ([Put("/a", b"2", 0)], 0.0), ([Put("/a", b"3", 2)], 0.0)]
    )
    assert results[0] == 2
    assert isinstance(results[1], Mismatch)
    assert results[2] == 3
    assert [(event.value, event.revision) for event in events] == [(b"1", 2), (b"3", 3)]


def test_compaction_leaves_the_last_state_only() -> None:
    database = Database(":memory:")
    for number in range(50):
        database.commit_all([([Put("/a", b"x" * 5000, number + 1 if number else 0)], 0.0)])
    before = database.size_bytes()
    database.compact(database.revision)
    assert database.size_bytes() < before / 4
    assert [item.revision for item in database.page("/", 0, "", 0).items] == [51]


def test_expiry_is_of_the_value_not_of_the_key() -> None:
    database = Database(":memory:")
    database.commit_all([([Put("/a", b"1", 0, ttl_seconds=5), Put("/b", b"1", 0, ttl_seconds=5)], 100.0)])
    database.commit_all([([Put("/a", b"2", 2)], 101.0)])
    assert database.expire(104.9) == []
    assert [(event.type, event.key) for event in database.expire(105.0)] == [("delete", "/b")]
    assert database.expire(1000.0) == []
