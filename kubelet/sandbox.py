"""Makes a pod's sandbox: the pause container, its place in the pod network, the files that all containers share."""

from __future__ import annotations

import asyncio
import logging
import platform
from pathlib import Path

from apimachinery.objects import Object
from kubelet.failures import SyncFailed
from kubelet.metrics import STARTED_PODS
from kubelet.network.errors import NetworkError
from kubelet.network.sandbox_request import sandbox_request
from kubelet.node_services import NodeServices
from kubelet.plan.docker_config import sandbox_config
from kubelet.plan.images import parse_image
from kubelet.plan.names import SANDBOX, container_name
from kubelet.plan.pod_files import NO_RESOLVER, PodDns, ResolvConf, hosts_file, parse_resolv_conf, pod_dns
from kubelet.plan.records import ContainerRecord
from kubelet.runtime.interface import Runtime, RuntimeFailure, RuntimeRefused
from kubelet.runtime.pause_image import PAUSE_CHANGES, UnknownMachine, pause_archive

logger = logging.getLogger(__name__)

#: The pause image that is looked for first when none was asked for.
DEFAULT_PAUSE_IMAGE = "registry.k8s.io/pause:3.9"


class PauseImage:
    """The image of sandboxes: pulled, or (only the default one) made here when it cannot be."""

    def __init__(self, runtime: Runtime, reference: str, may_build: bool) -> None:
        self._runtime = runtime
        self._reference = reference
        self._may_build = may_build
        self._lock = asyncio.Lock()
        self._present = False

    async def ensure(self) -> None:
        """The image is there afterwards; raises RuntimeFailure with Docker's words."""
        async with self._lock:
            if self._present or await self._runtime.image(self._reference) is not None:
                self._present = True
                return
            try:
                await self._runtime.pull(self._reference)
            except RuntimeRefused as error:
                if not self._may_build:
                    raise
                await self._build(error)
            self._present = True

    def forget(self) -> None:
        """The image may be gone: look again before the next use."""
        self._present = False

    async def _build(self, why: RuntimeFailure) -> None:
        logger.info("Making the pause image here", extra={"image": self._reference, "error": str(why)})
        name = parse_image(self._reference)
        try:
            archive = pause_archive(platform.machine())
        except UnknownMachine as error:
            raise RuntimeRefused(f"{why} ({error})", 500) from why
        await self._runtime.import_image(archive, name.name, name.tag, PAUSE_CHANGES)


async def create_sandbox(
    node: NodeServices, pause: PauseImage, pod: Object, attempt: int
) -> tuple[ContainerRecord, str]:
    """A running sandbox and its IP ("" on the host's network). Its FailedCreatePodSandBox Event is written here;
    raises SyncFailed."""
    try:
        await pause.ensure()
        config = sandbox_config(pod, node.pause_image, node.settings)
        for reason, message in (await _pod_dns(node, pod)).warnings:
            node.event(pod, "Warning", reason, message)
        async with node.gate.attaching():
            sandbox_id = await node.runtime.create(container_name(pod, SANDBOX, attempt), config)
            await node.runtime.start(sandbox_id)
            record = await node.cache.refresh(sandbox_id)
            if record is None or not record.running:
                raise RuntimeRefused(f"sandbox container {sandbox_id[:12]} ended at once", 500)
            address = await attach_sandbox(node, pod, record)
            STARTED_PODS.inc()
            return record, address
    except RuntimeFailure as error:
        if isinstance(error, RuntimeRefused) and error.code == 404:
            pause.forget()
        raise _failed(node, pod, str(error)) from error
    except NetworkError as error:
        name = f"{pod['metadata']['name']}_{pod['metadata']['namespace']}"
        text = f'failed to set up sandbox container "{sandbox_id}" network for pod "{pod["metadata"]["name"]}": '
        plugin = f"networkPlugin {node.network.plugin}".rstrip()
        raise _failed(node, pod, f'{text}{plugin} failed to set up pod "{name}" network: {error}') from error


def _failed(node: NodeServices, pod: Object, message: str) -> SyncFailed:
    node.event(pod, "Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}")
    return SyncFailed(message)


async def attach_sandbox(node: NodeServices, pod: Object, sandbox: ContainerRecord) -> str:
    """The sandbox's address, attached now if it was not; raises NetworkError."""
    if pod["spec"].get("hostNetwork"):
        return node.host_ip
    resolver = (await _pod_dns(node, pod)).conf
    dns = {"servers": resolver.nameservers, "searches": resolver.searches, "options": resolver.options}
    return await node.network.attach(sandbox_request(pod, sandbox.id, sandbox.pid, dns))


async def write_pod_files(node: NodeServices, pod: Object, pod_ip: str) -> None:
    """The pod's etc-hosts and resolv.conf below its directory; raises OSError."""
    node_hosts = ""
    dns = await _pod_dns(node, pod)
    if pod["spec"].get("hostNetwork"):
        node_hosts = await asyncio.to_thread(_read, Path("/etc/hosts"))
    hosts = hosts_file(pod, pod_ip, node.cluster_domain, node_hosts)
    await asyncio.to_thread(_write_files, node.pod_dir(pod), {"etc-hosts": hosts, "resolv.conf": dns.conf.text()})


async def _pod_dns(node: NodeServices, pod: Object) -> PodDns:
    """The pod's DNS settings; the node's own are read each time, as they change with its networks."""
    own = await asyncio.to_thread(read_resolv_conf, node.resolv_conf_path)
    return pod_dns(pod, own, node.cluster_dns, node.cluster_domain)


def read_resolv_conf(path: str) -> ResolvConf:
    """The node's own DNS settings: none where the file cannot be read, a fixed one for the path ""."""
    if not path:
        return NO_RESOLVER
    try:
        return parse_resolv_conf(Path(path).read_text())
    except OSError as error:
        logger.warning("The resolver configuration cannot be read", extra={"path": path, "error": str(error)})
        return ResolvConf()


def _write_files(directory: Path, texts: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        # Written in place: containers have the file itself mounted.
        (directory / name).write_text(text)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
