"""emptyDir volumes: an empty directory (or tmpfs) that lives as long as the pod.

sizeLimit bounds a tmpfs; on disk it is for eviction to look at, as in the reference."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apimachinery import quantity
from apimachinery.objects import Object
from kubelet.volumes import mounts, ownership
from kubelet.volumes.interface import HostPath, MountFailed, VolumeContext


class EmptyDirPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/empty-dir"
    refreshed = False

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`."""
        source = context.volume["emptyDir"] or {}
        medium = source.get("medium") or ""
        if medium not in ("", "Memory"):
            raise MountFailed(f'unsupported storage medium "{medium}"')
        size = tmpfs_bytes(context.pod, source) if medium == "Memory" else None
        try:
            await asyncio.to_thread(_make, context.directory, medium == "Memory", size, context.fs_group)
        except OSError as error:
            raise MountFailed(str(error)) from error
        return HostPath(context.directory)


def tmpfs_bytes(pod: Object, source: Object) -> int | None:
    """How large the tmpfs may grow: the lesser of sizeLimit and the pod's memory limits; None: neither is set."""
    sizes = []
    if source.get("sizeLimit"):
        sizes.append(quantity.parse(source["sizeLimit"]).value())
    containers = (pod.get("spec") or {}).get("containers") or ()
    limits = [((container.get("resources") or {}).get("limits") or {}).get("memory") for container in containers]
    if limits and all(limits):
        sizes.append(sum(quantity.parse(limit).value() for limit in limits if limit))
    return min((size for size in sizes if size > 0), default=None)


def _make(directory: Path, in_memory: bool, size: int | None, group: int | None) -> None:
    """Made ready in one step, so that what is there is never touched again: its modes belong to the containers."""
    if in_memory:
        directory.mkdir(parents=True, exist_ok=True)
        if not mounts.is_mount(directory):
            options = ["mode=01777" if group is None else f"mode=03777,gid={group}"]
            mounts.mount_tmpfs(directory, ",".join([*options, *([f"size={size}"] if size else [])]))
        return
    if directory.is_dir():
        return
    fresh = directory.with_name(f"{directory.name}.new")
    if fresh.exists():
        fresh.rmdir()
    fresh.mkdir(parents=True)
    fresh.chmod(0o777)
    if group is not None:
        ownership.give_to_group(fresh, group)
    fresh.rename(directory)
