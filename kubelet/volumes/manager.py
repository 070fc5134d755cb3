"""The volumes of this node's pods: mounted before containers start, kept fresh, removed after they ended.

The shell that picks a plugin per volume and adds the Event texts. Its only state is what lies below --root-dir, so a
restarted kubelet takes every volume over as it is."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from apimachinery.objects import Object, uid_of
from kubelet.plan.environment import expand
from kubelet.volumes import mounts, subpath
from kubelet.volumes.config_map import ConfigMapPlugin
from kubelet.volumes.downward_api import DownwardApiPlugin
from kubelet.volumes.empty_dir import EmptyDirPlugin
from kubelet.volumes.host_path import HostPathPlugin
from kubelet.volumes.interface import (
    ClaimNotReady,
    HostPath,
    MountFailed,
    PodResources,
    SubPathFailed,
    VolumeContext,
    VolumePlugin,
)
from kubelet.volumes.persistent import PersistentPlugin
from kubelet.volumes.projected import ProjectedPlugin
from kubelet.volumes.secret import SecretPlugin

logger = logging.getLogger(__name__)

#: The field of a volume that says its type.
PLUGINS: Mapping[str, VolumePlugin] = {
    "configMap": ConfigMapPlugin(),
    "downwardAPI": DownwardApiPlugin(),
    "emptyDir": EmptyDirPlugin(),
    "ephemeral": PersistentPlugin(),
    "hostPath": HostPathPlugin(),
    "persistentVolumeClaim": PersistentPlugin(),
    "projected": ProjectedPlugin(),
    "secret": SecretPlugin(),
}


class VolumeManager:
    """Volumes below `root_dir`/pods/UID/volumes/kubernetes.io~TYPE/NAME."""

    def __init__(self, root_dir: Path, resources: PodResources) -> None:
        self._pods = root_dir / "pods"
        self._resources = resources
        self._locks: dict[str, asyncio.Lock] = {}

    async def mount(self, pod: Object) -> dict[str, HostPath]:
        """Every volume that a container mounts, by its name, set up; repeating it is cheap. Raises MountFailed with the
        text of the first volume that fails (`MountVolume.SetUp failed for volume "x" : ...`)."""
        async with self._lock(uid_of(pod)):
            wanted = wanted_volumes(pod)
            if wanted:
                await asyncio.to_thread(_make_private, self._pods / uid_of(pod))
            return {volume["name"]: await self._set_up(pod, volume) for volume in wanted}

    async def mount_path(
        self, pod: Object, container: str, index: int, volumes: Mapping[str, HostPath], env: Mapping[str, str]
    ) -> HostPath:
        """What to bind into `container` for its `index`-th volumeMount: the volume, or the subPath (subPathExpr,
        expanded by the container's `env`) inside it, never outside. To be asked at every start of the container.
        Raises SubPathFailed."""
        mount = _container(pod, container)["volumeMounts"][index]
        name = mount["name"]
        volume = volumes.get(name)
        if volume is None:
            raise SubPathFailed(f'volume "{name}" is not mounted')
        read_only = volume.read_only or bool(mount.get("readOnly"))
        sub_path = mount.get("subPath") or ""
        if mount.get("subPathExpr"):
            sub_path = expand(mount["subPathExpr"], env)
            if "$(" in sub_path:
                raise SubPathFailed(f"failed to expand subPathExpr {mount['subPathExpr']!r}: a variable is not set")
        path = volume.path
        if sub_path:
            target = self._pods / uid_of(pod) / "volume-subpaths" / name / container / str(index)
            try:
                path = await asyncio.to_thread(subpath.bind_sub_path, volume.path, sub_path, target)
            except SubPathFailed as error:
                raise SubPathFailed(
                    f'failed to prepare subPath for volumeMount "{name}" of container "{container}": {error}'
                ) from error
        return HostPath(path, read_only=read_only)

    async def refresh(self, pod: Object) -> None:
        """Bring configMap, secret, downwardAPI and projected volumes up to date; raises MountFailed."""
        async with self._lock(uid_of(pod)):
            for volume in wanted_volumes(pod):
                found = _plugin(volume)
                if found is not None and found.refreshed:
                    await self._set_up(pod, volume)

    async def release(self, pod_uid: str) -> None:
        """Remove the volumes of a pod that has ended and stays in the API: secrets, tmpfs and data go, what tells how
        it ended stays. Raises MountFailed: repeat later."""
        async with self._lock(pod_uid):
            try:
                await asyncio.to_thread(_remove_volumes, self._pods / pod_uid)
            except OSError as error:
                raise MountFailed(f"failed to remove the volumes of pod {pod_uid}: {error}") from error

    async def unmount(self, pod_uid: str) -> None:
        """Remove the pod's volumes and its directory; a pod without any is fine. Raises MountFailed: repeat later."""
        async with self._lock(pod_uid):
            try:
                await asyncio.to_thread(_remove_pod, self._pods / pod_uid)
            except OSError as error:
                raise MountFailed(f"failed to remove the volumes of pod {pod_uid}: {error}") from error
        self._locks.pop(pod_uid, None)

    async def collect(self, live_uids: Collection[str]) -> None:
        """Unmount what belongs to no live pod; what cannot be removed is logged and tried at the next call."""
        for uid in await asyncio.to_thread(_names, self._pods):
            if uid in live_uids:
                continue
            try:
                await self.unmount(uid)
            except MountFailed as error:
                logger.error("Volumes of a pod that is gone remain", extra={"pod_uid": uid, "error": str(error)})

    def _lock(self, uid: str) -> asyncio.Lock:
        return self._locks.setdefault(uid, asyncio.Lock())

    async def _set_up(self, pod: Object, volume: Object) -> HostPath:
        name = volume["name"]
        plugin = _plugin(volume)
        if plugin is None:
            raise MountFailed(f'failed to get Plugin from volumeSpec for volume "{name}" err=no volume plugin matched')
        directory = self._pods / uid_of(pod) / "volumes" / plugin.name.replace("/", "~") / name
        group = ((pod.get("spec") or {}).get("securityContext") or {}).get("fsGroup")
        context = VolumeContext(pod, volume, directory, self._resources, None if group is None else int(group))
        try:
            return await plugin.set_up(context)
        except ClaimNotReady as error:
            raise MountFailed(
                f"Unable to attach or mount volumes: unmounted volumes=[{name}], unattached volumes=[], "
                f"failed to process volumes=[{name}]: {error}"
            ) from error
        except MountFailed as error:
            raise MountFailed(f'MountVolume.SetUp failed for volume "{name}" : {error}') from error


def wanted_volumes(pod: Object) -> list[Object]:
    """The volumes that at least one container mounts: the others are not set up."""
    spec = pod.get("spec") or {}
    mounted = {mount["name"] for container in _containers(spec) for mount in container.get("volumeMounts") or ()}
    return [volume for volume in spec.get("volumes") or () if volume["name"] in mounted]


def _plugin(volume: Object) -> VolumePlugin | None:
    return next((plugin for field, plugin in PLUGINS.items() if field in volume), None)


def _containers(spec: Object) -> list[Object]:
    return [
        *(spec.get("initContainers") or ()),
        *(spec.get("containers") or ()),
        *(spec.get("ephemeralContainers") or ()),
    ]


def _container(pod: Object, name: str) -> Object:
    found = next((c for c in _containers(pod.get("spec") or {}) if c["name"] == name), None)
    if found is None:
        raise SubPathFailed(f'container "{name}" is not in the pod')
    return found


def _make_private(directory: Path) -> None:
    """Volumes are open to every user inside their pod, and so must lie behind a directory that is not."""
    for path in (directory.parent, directory):
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o007:
            path.chmod(0o750)


def _names(directory: Path) -> list[str]:
    return [entry.name for entry in directory.iterdir()] if directory.is_dir() else []


def _remove_volumes(directory: Path) -> None:
    """Unmount first, whoever mounted: removing files through a forgotten mount would destroy someone's data."""
    subpath.remove_sub_paths(directory / "volume-subpaths")
    mounts.unmount_below(directory)
    if (directory / "volumes").exists():
        shutil.rmtree(directory / "volumes")


def _remove_pod(directory: Path) -> None:
    _remove_volumes(directory)
    if directory.exists():
        shutil.rmtree(directory)
