"""hostPath volumes: a path of the node, checked against the type that the pod expects."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

from kubelet.volumes.interface import HostPath, MountFailed, VolumeContext

_CHECKS: dict[str, tuple[Callable[[int], bool], str]] = {
    "Directory": (stat.S_ISDIR, "directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "directory"),
    "File": (stat.S_ISREG, "file"),
    "FileOrCreate": (stat.S_ISREG, "file"),
    "Socket": (stat.S_ISSOCK, "socket file"),
    "CharDevice": (stat.S_ISCHR, "character device"),
    "BlockDevice": (stat.S_ISBLK, "block device"),
}


class HostPathPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/host-path"
    refreshed = False

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        source = context.volume["hostPath"]
        path = Path(source["path"])
        await asyncio.to_thread(check_type, path, source.get("type") or "")
        return HostPath(path)


def check_type(path: Path, wanted: str) -> None:
    """The path is what `type` says, created where it says so; raises MountFailed. Without a type anything will do, and
    a directory is made where there is nothing, as container runtimes do."""
    try:
        if wanted in ("", "DirectoryOrCreate") and not path.exists():
            path.mkdir(mode=0o755, parents=True, exist_ok=True)
        if wanted == "FileOrCreate" and not path.exists():
            path.touch(mode=0o644)
        mode = path.stat().st_mode if path.exists() else 0
    except OSError as error:
        raise MountFailed(f"hostPath type check failed: {error}") from error
    if not wanted:
        return
    fits, noun = _CHECKS.get(wanted, (None, ""))
    if fits is None:
        raise MountFailed(f"{wanted} is an invalid volume type")
    if not fits(mode):
        raise MountFailed(f"hostPath type check failed: {path} is not a {noun}")
