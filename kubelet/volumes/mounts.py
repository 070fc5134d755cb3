"""tmpfs and bind mounts by mount(2), and what is mounted below a directory. Blocks: callers use a thread."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MS_BIND = 0x1000
MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

_libc = ctypes.CDLL(None, use_errno=True)


def mount_tmpfs(directory: Path, options: str) -> None:
    """Mount a tmpfs there; raises OSError."""
    _mount(b"tmpfs", directory, b"tmpfs", 0, options.encode())


def bind(source: str, target: Path) -> None:
    """Make `target` show what `source` is; raises OSError."""
    _mount(source.encode(), target, None, MS_BIND, None)


def unmount(target: Path) -> None:
    """Take the topmost mount away, at once even if it is in use; raises OSError."""
    if _libc.umount2(os.fsencode(target), MNT_DETACH | UMOUNT_NOFOLLOW) != 0:
        raise _error(target)


def is_mount(directory: Path) -> bool:
    """Whether a filesystem is mounted at that place; bind mounts count."""
    return str(directory) in _mount_points()


def mounts_below(directory: Path) -> list[Path]:
    """Every mount point at or below the directory, the last mounted first."""
    prefix = f"{directory}/"
    found = [point for point in _mount_points() if point == str(directory) or point.startswith(prefix)]
    return [Path(point) for point in reversed(found)]


def unmount_below(directory: Path) -> None:
    """Unmount everything at or below the directory; raises OSError when something stays."""
    for point in mounts_below(directory):
        unmount(point)
    left = mounts_below(directory)
    if left:
        raise OSError(f"still mounted: {left[0]}")


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return [os.fsdecode(_unescape(line.split(b" ", 5)[4])) for line in lines]


def _unescape(text: bytes) -> bytes:
    for code in (b"\\040", b"\\011", b"\\012", b"\\134"):
        text = text.replace(code, bytes([int(code[1:], 8)]))
    return text


def _mount(source: bytes, target: Path, kind: bytes | None, flags: int, data: bytes | None) -> None:
    if _libc.mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), data) != 0:
        raise _error(target)


def _error(target: Path) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), str(target))
