"""What volumes need from the rest of the kubelet, and what they give: protocols, values and errors.

`manager.py` has `VolumeManager`, the one entry; a volume type is one file that offers a `VolumePlugin`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from apimachinery.objects import Object


class MountFailed(Exception):
    """A volume cannot be set up (now); the text is fit for a FailedMount Event. Worth a retry."""


class ClaimNotReady(MountFailed):
    """A claim or its volume is not bound (yet)."""


class SubPathFailed(Exception):
    """A container's subPath cannot be used; the text is fit for a CreateContainerConfigError."""


class PodResources(Protocol):
    """Where volumes get API objects and tokens from. Absent objects raise `apimachinery.errors.NotFound`,
    other trouble any other `ApiError`."""

    async def config_map(self, pod: Object, name: str) -> Object:
        """The ConfigMap of the pod's namespace, not older than the pod."""

    async def secret(self, pod: Object, name: str) -> Object:
        """The Secret of the pod's namespace, not older than the pod."""

    async def persistent_volume_claim(self, namespace: str, name: str) -> Object:
        """The PersistentVolumeClaim."""

    async def persistent_volume(self, name: str) -> Object:
        """The PersistentVolume."""

    async def service_account_token(self, pod: Object, audience: str, expiration_seconds: int) -> str:
        """A token of the pod's service account, bound to the pod; cached and renewed by the provider (before 80 %
        of its life is over). audience "" means the API server's own."""

    def node_allocatable(self) -> Mapping[str, str]:
        """The node's allocatable resources: the limits.* of a container that sets none (downward API)."""


@dataclass(frozen=True, slots=True)
class HostPath:
    """A mounted volume: where it lies on the node."""

    path: Path
    read_only: bool = False
    #: Whether the kubelet keeps its files up to date (configMap, secret, downwardAPI, projected).
    refreshed: bool = False


@dataclass(frozen=True, slots=True)
class VolumeContext:
    """What a plugin is given to set one volume of one pod up."""

    pod: Object
    volume: Object  #: the entry of spec.volumes
    directory: Path  #: .../pods/UID/volumes/kubernetes.io~TYPE/NAME, its own alone
    resources: PodResources
    fs_group: int | None = None


class VolumePlugin(Protocol):
    """One volume type."""

    name: str  #: "kubernetes.io/empty-dir"
    refreshed: bool

    async def set_up(self, context: VolumeContext) -> HostPath:
        """Make the volume; repeating it changes nothing but stale content. Raises MountFailed."""
