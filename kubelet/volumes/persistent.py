"""persistentVolumeClaim and ephemeral volumes: the claim's bound PersistentVolume of type hostPath or local."""

from __future__ import annotations

import asyncio
from pathlib import Path

from apimachinery.errors import ApiError
from apimachinery.objects import Object, name_of, namespace_of, uid_of
from kubelet.volumes import ownership
from kubelet.volumes.host_path import check_type
from kubelet.volumes.interface import ClaimNotReady, HostPath, MountFailed, VolumeContext


class PersistentPlugin:
    """See `VolumePlugin`."""

    name = "kubernetes.io/local-volume"
    refreshed = False

    async def set_up(self, context: VolumeContext) -> HostPath:
        """See `VolumePlugin`; raises ClaimNotReady while claim or volume are not bound to each other."""
        source = context.volume.get("persistentVolumeClaim") or {}
        name = source.get("claimName") or f"{name_of(context.pod)}-{context.volume['name']}"
        namespace = namespace_of(context.pod)
        try:
            claim = await context.resources.persistent_volume_claim(namespace, name)
        except ApiError as error:
            raise ClaimNotReady(
                f"error processing PVC {namespace}/{name}: failed to fetch PVC from API server: {error}"
            ) from error
        if "ephemeral" in context.volume and not _owned(claim, context.pod):
            raise ClaimNotReady(f"PVC {namespace}/{name} was not created for pod {namespace}/{name_of(context.pod)} "
                                "(pod is not owner)")  # fmt: skip
        volume_name = (claim.get("spec") or {}).get("volumeName")
        if (claim.get("status") or {}).get("phase") != "Bound" or not volume_name:
            raise ClaimNotReady(f"error processing PVC {namespace}/{name}: PVC is not bound")
        volume = await self._volume(context, volume_name, claim)
        path = await asyncio.to_thread(_prepare, volume, context)
        return HostPath(path, read_only=bool(source.get("readOnly")))

    async def _volume(self, context: VolumeContext, name: str, claim: Object) -> Object:
        try:
            volume = await context.resources.persistent_volume(name)
        except ApiError as error:
            raise ClaimNotReady(f"failed to fetch PV {name} from API server: {error}") from error
        reference = (volume.get("spec") or {}).get("claimRef") or {}
        if reference.get("uid") and reference["uid"] != uid_of(claim):
            raise ClaimNotReady(f"persistentvolume {name} is bound to another claim")
        return volume


def _owned(claim: Object, pod: Object) -> bool:
    owners = (claim.get("metadata") or {}).get("ownerReferences") or ()
    return any(owner.get("uid") == uid_of(pod) and owner.get("controller") for owner in owners)


def _prepare(volume: Object, context: VolumeContext) -> Path:
    spec = volume.get("spec") or {}
    if host_path := spec.get("hostPath"):
        path = Path(host_path["path"])
        check_type(path, host_path.get("type") or "")
        return path
    if local := spec.get("local"):
        path = Path(local["path"])
        if not path.exists():
            raise MountFailed(f'path "{path}" does not exist')
        _give_to_group(path, context)
        return path
    kinds = [key for key in spec if key in ("nfs", "csi", "iscsi", "rbd", "cephfs", "fc", "glusterfs")]
    raise MountFailed(f"no volume plugin matched{': ' + kinds[0] if kinds else ''}")


def _give_to_group(path: Path, context: VolumeContext) -> None:
    if context.fs_group is None:
        return
    policy = ((context.pod.get("spec") or {}).get("securityContext") or {}).get("fsGroupChangePolicy")
    try:
        ownership.give_to_group(path, context.fs_group, only_on_root_mismatch=policy == "OnRootMismatch")
    except OSError as error:
        raise MountFailed(f"applyFSGroup failed for vol {context.volume['name']}: {error}") from error
