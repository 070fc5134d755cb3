"""Readers see the old files or the new ones; whatever a crash left is swept."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelet.volumes.atomic_writer import DATA, write
from kubelet.volumes.payload import File, Payload

FIRST: Payload = {"a": File(b"1", 0o644), "dir/b": File(b"2", 0o600)}


def files(directory: Path) -> dict[str, bytes]:
    """What a container sees: files through the links, without what begins with two dots."""
    found = {}
    for path in sorted(directory.rglob("*")):
        parts = path.relative_to(directory).parts
        if not parts[0].startswith(".."):
            for inner in [path, *(path.rglob("*") if path.is_dir() else ())]:
                if inner.is_file():
                    found[str(inner.relative_to(directory))] = inner.read_bytes()
    return found


def test_files_are_shown_with_their_modes(tmp_path: Path) -> None:
    assert write(tmp_path, FIRST)
    assert files(tmp_path) == {"a": b"1", "dir/b": b"2"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "dir/b").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").readlink() == Path("..data/a")


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    before = (tmp_path / DATA).readlink()
    assert not write(tmp_path, dict(FIRST))
    assert (tmp_path / DATA).readlink() == before


@pytest.mark.parametrize(
    "second",
    [
        {"a": File(b"other", 0o644), "dir/b": File(b"2", 0o600)},
        {"a": File(b"1", 0o640), "dir/b": File(b"2", 0o600)},
        {"a": File(b"1", 0o644)},
        {"dir": File(b"now a file", 0o644)},
        {},
    ],
)
def test_a_change_replaces_everything_at_once(tmp_path: Path, second: Payload) -> None:
    write(tmp_path, FIRST)
    before = (tmp_path / DATA).readlink()
    assert write(tmp_path, second)
    assert files(tmp_path) == {path: file.content for path, file in second.items()}
    assert not (tmp_path / before).exists()


def test_what_a_crash_left_is_swept(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    (tmp_path / "..2020_01_01_00_00_00.dead").mkdir()
    (tmp_path / "..data_tmp").symlink_to("nowhere")
    (tmp_path / "..link_0123456789").symlink_to("nowhere")
    (tmp_path / "a").unlink()  # killed between the swap and the links
    assert not write(tmp_path, FIRST)
    assert files(tmp_path) == {"a": b"1", "dir/b": b"2"}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("..")) == sorted(
        [DATA, (tmp_path / DATA).readlink().name]
    )
