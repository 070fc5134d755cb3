"""The volumes of this node's pods: mounted before containers start, kept fresh, removed after they ended.

The shell that picks a plugin per volume and adds the Event texts. State is what lies below --root-dir."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from apimachinery.objects import Object
from kubelet.volumes.interface import HostPath, PodResources


class VolumeManager:
    """Volumes below `root_dir`/pods/UID/volumes/kubernetes.io~TYPE/NAME."""

    def __init__(self, root_dir: Path, resources: PodResources) -> None:
        raise NotImplementedError

    async def mount(self, pod: Object) -> dict[str, HostPath]:
        """Every volume of spec.volumes by its name, set up; repeating it is cheap. Raises MountFailed with the text
        of the first volume that fails (`MountVolume.SetUp failed for volume "x" : ...`)."""
        raise NotImplementedError

    def mount_path(self, pod: Object, mount: Object, volumes: Mapping[str, HostPath], env: Mapping[str, str]) -> Path:
        """What to bind into the container for one of its volumeMounts: the volume, or the subPath (subPathExpr,
        expanded by the container's `env`) inside it, never outside. Raises SubPathFailed. Blocks briefly."""
        raise NotImplementedError

    async def refresh(self, pod: Object) -> None:
        """Bring configMap, secret, downwardAPI and projected volumes up to date; raises MountFailed."""
        raise NotImplementedError

    async def unmount(self, pod_uid: str) -> None:
        """Remove the pod's volumes and its directory; a pod without any is fine. Raises MountFailed: repeat later."""
        raise NotImplementedError

    async def collect(self, live_uids: Collection[str]) -> None:
        """Unmount what belongs to no live pod; what cannot be removed is logged and tried at the next call."""
        raise NotImplementedError
