"""What pods have on the node's disks: measured by walking their folders, in a thread. Not cheap: for pods with a limit,
and for all where a disk is short."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from apimachinery.objects import Object, uid_of
from kubelet.plan.eviction import DiskUse
from kubelet.pleg import ContainerCache
from kubelet.runtime.interface import Runtime

_BLOCK_BYTES = 512


class DiskMeter:
    """Measures pods whose volumes are below `root_dir`."""

    def __init__(self, runtime: Runtime, cache: ContainerCache, root_dir: str) -> None:
        self._runtime = runtime
        self._cache = cache
        self._root_dir = Path(root_dir)

    async def use(self, pod: Object) -> DiskUse:
        """The pod's use now; raises RuntimeFailure."""
        containers: dict[str, int] = {}
        for record in self._cache.pod(uid_of(pod)).containers:
            paths = await self._runtime.disk_paths(record.id)
            if paths is not None:
                size = await asyncio.to_thread(_sizes, paths)
                containers[record.name] = containers.get(record.name, 0) + size
        folder = self._root_dir / "pods" / uid_of(pod) / "volumes" / "kubernetes.io~empty-dir"
        names = [
            volume["name"]
            for volume in pod["spec"].get("volumes") or ()
            if "emptyDir" in volume and (volume["emptyDir"] or {}).get("medium") != "Memory"
        ]
        empty_dirs = {name: await asyncio.to_thread(tree_bytes, folder / name) for name in names}
        return DiskUse(containers, empty_dirs)


def tree_bytes(root: Path) -> int:
    """The bytes on disk of a file, or of a folder with all in it that is on the same file system; what vanishes
    meanwhile counts nothing, a file with several names counts once. Blocks."""
    try:
        top = root.lstat()
    except OSError:
        return 0
    total, seen = top.st_blocks * _BLOCK_BYTES, set()
    pending = [str(root)] if root.is_dir() and not root.is_symlink() else []
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    if found.st_dev != top.st_dev:
                        continue
                    if found.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                        if found.st_ino in seen:
                            continue
                        seen.add(found.st_ino)
                    total += found.st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            continue
    return total


def _sizes(paths: tuple[str, ...]) -> int:
    return sum(tree_bytes(Path(path)) for path in paths)
