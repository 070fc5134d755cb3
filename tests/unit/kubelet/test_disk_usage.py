"""How much of the disk a folder takes."""

from __future__ import annotations

import os
from pathlib import Path

from kubelet.disk_usage import tree_bytes


def test_files_below_a_folder_count_once(tmp_path: Path) -> None:
    before = tree_bytes(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/file").write_bytes(b"x" * 100_000)
    with_file = tree_bytes(tmp_path)
    assert before + 100_000 <= with_file <= before + 200_000
    os.link(tmp_path / "a/file", tmp_path / "second-name")
    assert tree_bytes(tmp_path) - with_file < 50_000
    (tmp_path / "elsewhere").symlink_to("/usr")
    assert tree_bytes(tmp_path) - with_file < 50_000


def test_what_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert tree_bytes(tmp_path / "missing") == 0
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(1 << 30)
    assert tree_bytes(sparse) < 1 << 20
