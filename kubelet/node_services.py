"""What every pod worker of this node shares: the runtime, network, volumes, statuses and settings, in one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from apimachinery.objects import Object, uid_of
from client.events import EventRecorder
from kubelet.attach_gate import AttachGate
from kubelet.image_puller import ImagePuller
from kubelet.network.node_network import NodeNetwork
from kubelet.node_address import NodeAddress
from kubelet.plan.docker_config import NodeSettings
from kubelet.pleg import ContainerCache
from kubelet.pod_resources import ApiPodResources
from kubelet.prober import Prober
from kubelet.runtime.interface import Runtime
from kubelet.status import StatusManager
from kubelet.volumes.manager import VolumeManager


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeServices:
    """The shared services of one kubelet."""

    runtime: Runtime
    cache: ContainerCache
    network: NodeNetwork
    gate: AttachGate
    volumes: VolumeManager
    resources: ApiPodResources
    images: ImagePuller
    prober: Prober
    status: StatusManager
    recorder: EventRecorder
    settings: NodeSettings
    address: NodeAddress
    node_name: str
    resolv_conf_path: str
    services: Callable[[], Sequence[Object]]
    pause_image: str
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = ""
    sync_seconds: float = 60.0

    @property
    def host_ip(self) -> str:
        """The node's address now."""
        return self.address.value

    def pod_dir(self, pod: Object) -> Path:
        """Where the kubelet keeps the pod's files; removed with its volumes."""
        return Path(self.settings.root_dir) / "pods" / uid_of(pod)

    def event(self, pod: Object, type: str, reason: str, message: str, container: str = "") -> None:
        """Record an Event about the pod, or about one of its containers."""
        about = {"apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"]}
        field_path = ""
        if container:
            field_path = container_field(pod, container)
        self.recorder.event(about, type, reason, message, field_path=field_path)


def container_field(pod: Object, name: str) -> str:
    """spec.containers{NAME}, or the field of init or ephemeral containers."""
    for field_name in ("initContainers", "ephemeralContainers"):
        if any(container["name"] == name for container in pod["spec"].get(field_name) or ()):
            return f"spec.{field_name}{{{name}}}"
    return f"spec.containers{{{name}}}"


def find_container(pod: Object, name: str) -> Object | None:
    """The container of that name, of whatever sort."""
    for field_name in ("containers", "initContainers", "ephemeralContainers"):
        for container in pod["spec"].get(field_name) or ():
            if container["name"] == name:
                found: Object = container
                return found
    return None
