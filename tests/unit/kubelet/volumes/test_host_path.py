"""hostPath's types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubelet.volumes.host_path import check_type
from kubelet.volumes.interface import MountFailed


@pytest.mark.parametrize(
    ("wanted", "noun"),
    [
        ("Directory", "directory"),
        ("File", "file"),
        ("Socket", "socket file"),
        ("CharDevice", "character device"),
        ("BlockDevice", "block device"),
    ],
)
def test_what_is_not_there_is_not_of_that_type(tmp_path: Path, wanted: str, noun: str) -> None:
    with pytest.raises(MountFailed, match=f"^hostPath type check failed: {tmp_path}/x is not a {noun}$"):
        check_type(tmp_path / "x", wanted)
    assert not (tmp_path / "x").exists()


def test_types_that_create(tmp_path: Path) -> None:
    check_type(tmp_path / "a/b", "DirectoryOrCreate")
    check_type(tmp_path / "f", "FileOrCreate")
    assert (tmp_path / "a/b").is_dir()
    assert (tmp_path / "f").is_file()
    with pytest.raises(MountFailed, match="is not a file"):
        check_type(tmp_path / "a", "FileOrCreate")
    with pytest.raises(MountFailed):
        check_type(tmp_path / "none/f", "FileOrCreate")


def test_what_is_there(tmp_path: Path) -> None:
    check_type(Path("/dev/null"), "CharDevice")
    check_type(tmp_path, "Directory")
    check_type(Path("/dev/null"), "")
    check_type(tmp_path / "made", "")
    assert (tmp_path / "made").is_dir()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(MountFailed):
        check_type(tmp_path / "fifo", "File")
