"""subPath and subPathExpr: a part of a volume for one container, bound so that no symlink leads out of the volume.

A container may change its volume while the kubelet looks at it. So the path is resolved once, opened part by part
without following links, and what was opened (not its name) is bind-mounted below volume-subpaths/. Blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kubelet.volumes import mounts
from kubelet.volumes.interface import SubPathFailed


def bind_sub_path(volume: Path, sub_path: str, target: Path) -> Path:
    """Show `sub_path` of `volume` (a directory is made where there is nothing) at `target`; raises SubPathFailed."""
    parts = [part for part in sub_path.split("/") if part not in ("", ".")]
    if sub_path.startswith("/") or ".." in parts:
        raise SubPathFailed(f"subPath {sub_path!r} must be a relative path without '..'")
    try:
        descriptor = _open(volume, parts)
        try:
            return _bind(descriptor, target)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SubPathFailed(f"subPath {sub_path!r} cannot be used: {error}") from error


def remove_sub_paths(directory: Path) -> None:
    """Unmount all below the pod's volume-subpaths directory; raises OSError."""
    mounts.unmount_below(directory)


def _open(volume: Path, parts: list[str]) -> int:
    root = Path(os.path.realpath(volume))
    resolved = Path(os.path.realpath(root.joinpath(*parts)))
    if not resolved.is_relative_to(root):
        raise SubPathFailed(f"subPath {'/'.join(parts)!r} leads out of the volume")
    mode = stat.S_IMODE(root.stat().st_mode)
    descriptor = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in resolved.relative_to(root).parts:
        try:
            inner = _step(descriptor, part, mode)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def _step(descriptor: int, part: str, mode: int) -> int:
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        inner = os.open(part, flags, dir_fd=descriptor)
    except FileNotFoundError:
        os.mkdir(part, mode, dir_fd=descriptor)
        inner = os.open(part, flags, dir_fd=descriptor)
        Path(f"/proc/self/fd/{inner}").chmod(mode)  # past the umask
    if stat.S_ISLNK(os.fstat(inner).st_mode):
        os.close(inner)
        raise SubPathFailed(f"{part!r} became a symbolic link")
    return inner


def _bind(descriptor: int, target: Path) -> Path:
    wanted = os.fstat(descriptor)
    if mounts.is_mount(target):
        present = target.stat()
        if (present.st_dev, present.st_ino) == (wanted.st_dev, wanted.st_ino):
            return target
        mounts.unmount(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(wanted.st_mode):
        if target.exists() and not target.is_dir():
            target.unlink()
        target.mkdir(exist_ok=True)
    else:
        if target.is_dir():
            target.rmdir()
        target.touch()
    mounts.bind(f"/proc/self/fd/{descriptor}", target)
    return target
