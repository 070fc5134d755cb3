"""The embedded store: `open_sqlite(path)` gives a `Storage` in one file."""

from apiserver.storage.sqlite.store import open_sqlite

__all__ = ["open_sqlite"]
