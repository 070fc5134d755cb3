"""The audit log's file: appended to, and put aside when it is full. Blocking; `backend.py` calls it in a thread."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

_MEGABYTE = 1 << 20
_STAMP = "%Y-%m-%dT%H-%M-%S.%f"


class LogFile:
    """One file, or standard output for "-"; `max_bytes` 0 is no limit, as are `max_age_days` and `max_backups`."""

    def __init__(self, path: str, *, max_megabytes: int = 0, max_age_days: int = 0, max_backups: int = 0) -> None:
        self._path = Path(path) if path != "-" else None
        self._max_bytes = max_megabytes * _MEGABYTE
        self._max_age_days = max_age_days
        self._max_backups = max_backups
        self._file: BinaryIO | None = None
        self._size = 0

    def open(self) -> None:
        """Make sure it can be written, readable for its owner alone; raises OSError."""
        if self._path is None or self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.touch(mode=0o600)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, lines: Sequence[bytes]) -> None:
        """Append whole lines; raises OSError."""
        if self._path is None:
            sys.stdout.buffer.write(b"".join(lines))
            sys.stdout.buffer.flush()
            return
        batch: list[bytes] = []
        size = self._size
        for line in lines:
            if self._max_bytes and size and size + len(line) > self._max_bytes:
                self._append(batch)
                self._put_aside()
                batch, size = [], 0
            batch.append(line)
            size += len(line)
        self._append(batch)

    def _append(self, lines: Sequence[bytes]) -> None:
        self.open()
        if self._file is None or not lines:
            return
        rest = memoryview(b"".join(lines))
        while rest:
            written = self._file.write(rest) or 0
            self._size += written
            rest = rest[written:]

    def _put_aside(self) -> None:
        self.close()
        if self._path is None or not self._path.exists():
            return
        now = datetime.now(UTC)
        self._path.rename(self._path.with_name(f"{self._path.stem}-{now.strftime(_STAMP)[:-3]}{self._path.suffix}"))
        for old in outdated(self._backups(), now, self._max_age_days, self._max_backups):
            (self._path.parent / old).unlink(missing_ok=True)

    def _backups(self) -> dict[str, datetime]:
        """The files put aside, and when."""
        found: dict[str, datetime] = {}
        if self._path is None:
            return found
        for file in self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"):
            stamp = file.name[len(self._path.stem) + 1 : len(file.name) - len(self._path.suffix)]
            try:
                found[file.name] = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
            except ValueError:
                continue  # a file of somebody else's
        return found

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._size = 0


def outdated(backups: dict[str, datetime], now: datetime, max_age_days: int, max_backups: int) -> list[str]:
    """Which files put aside are too old, or too many (the oldest go first). Pure."""
    newest_first = sorted(backups, key=lambda name: backups[name], reverse=True)
    gone = set(newest_first[max_backups:]) if max_backups else set()
    if max_age_days:
        gone.update(name for name in newest_first if backups[name] < now - timedelta(days=max_age_days))
    return sorted(gone)
