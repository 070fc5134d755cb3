"""What configMap, secret, downwardAPI and projected volumes share: fetch, write atomically, remove."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from apimachinery.errors import ApiError, NotFound
from apimachinery.objects import Object, namespace_of
from kubelet.volumes import atomic_writer, mounts
from kubelet.volumes.interface import HostPath, MountFailed, VolumeContext
from kubelet.volumes.payload import Payload

logger = logging.getLogger(__name__)


async def fetch(
    get: Callable[[Object, str], Awaitable[Object]], kind: str, pod: Object, name: str, *, optional: bool
) -> Object:
    """The object, or an empty one where it is optional and absent; raises MountFailed. `kind` as texts have it."""
    try:
        return await get(pod, name)
    except NotFound as error:
        if optional:
            return {}
        raise MountFailed(f'{kind} "{name}" not found') from error
    except ApiError as error:
        raise MountFailed(f"failed to fetch {kind} {namespace_of(pod)}/{name}: {error}") from error


async def show(context: VolumeContext, payload: Payload, *, in_memory: bool) -> HostPath:
    """The volume's directory has exactly these files; `in_memory` keeps them off the disk."""
    try:
        await asyncio.to_thread(_show, context.directory, payload, context.fs_group, in_memory)
    except OSError as error:
        raise MountFailed(f"error creating volume data: {error}") from error
    return HostPath(context.directory, read_only=True, refreshed=True)


def _show(directory: Path, payload: Payload, group: int | None, in_memory: bool) -> None:
    if not directory.is_dir():
        directory.mkdir(parents=True)
        directory.chmod(0o777)
    if in_memory and not (directory / atomic_writer.DATA).is_symlink() and not mounts.is_mount(directory):
        try:
            mounts.mount_tmpfs(directory, "mode=01777,size=64m")
        except PermissionError:
            logger.warning("No tmpfs may be mounted: secrets lie on the disk", extra={"path": str(directory)})
    atomic_writer.write(directory, payload, group=group)
