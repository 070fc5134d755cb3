"""fsGroup: give a volume to the pod's group, as volume.SetVolumeOwnership does. Blocks: callers use a thread."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_FILE, _DIRECTORY = 0o660, 0o2770


def give_to_group(root: Path, group: int, *, only_on_root_mismatch: bool = False) -> None:
    """Everything below belongs to the group, which may read and write; new files inherit it. Links are not followed.
    Raises OSError."""
    if only_on_root_mismatch and _fits(root, group):
        return
    for folder, directories, names in os.walk(root, topdown=False):
        for name in names:
            _give(Path(folder, name), group)
        for name in directories:
            if Path(folder, name).is_symlink():
                _give(Path(folder, name), group)
        _give(Path(folder), group)


def _fits(root: Path, group: int) -> bool:
    status = root.stat()
    return status.st_gid == group and status.st_mode & _DIRECTORY == _DIRECTORY


def _give(path: Path, group: int) -> None:
    os.chown(path, -1, group, follow_symlinks=False)
    status = path.lstat()
    if not stat.S_ISLNK(status.st_mode):
        path.chmod(stat.S_IMODE(status.st_mode) | (_DIRECTORY if stat.S_ISDIR(status.st_mode) else _FILE))
