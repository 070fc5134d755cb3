from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from apiserver.audit.logfile import LogFile, outdated

NOW = datetime(2024, 1, 10, tzinfo=UTC)


def test_full_files_are_put_aside_whole_lines_each(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    log = LogFile(str(path), max_megabytes=1)
    lines = [bytes([65 + index]) * (400 << 10) + b"\n" for index in range(5)]
    log.write(lines[:3])
    log.write(lines[3:])
    log.close()
    files = sorted(path.parent.iterdir())
    assert path in files
    assert all(file.stat().st_size <= 1 << 20 for file in files)
    written = b"".join(file.read_bytes() for file in sorted(files, key=lambda file: (file == path, file.name)))
    assert written == b"".join(lines)
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(b"old\n")
    log = LogFile(str(path))
    log.write([b"new\n"])
    log.close()
    assert path.read_bytes() == b"old\nnew\n"


def test_what_is_too_old_or_too_many_goes() -> None:
    backups = {f"a-{days}": NOW - timedelta(days=days) for days in range(5)}
    assert outdated(backups, NOW, 0, 0) == []
    assert outdated(backups, NOW, 0, 3) == ["a-3", "a-4"]
    assert outdated(backups, NOW, 2, 0) == ["a-3", "a-4"]
    assert outdated(backups, NOW, 3, 2) == ["a-2", "a-3", "a-4"]
