"""Puts the kubelet's parts together and runs them: runtime, cache, network, pods, the node's own object."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path

from apimachinery.objects import Object, key_of, uid_of
from apimachinery.quantity import parse
from client.events import EventRecorder
from client.informer import Informer
from client.rest import RestClient
from component.flags import duration
from component.process import FatalError, Process
from component.version import GIT_VERSION
from kubelet.attach_gate import AttachGate
from kubelet.certificates.own import client_rotation, serving_rotation
from kubelet.disk_usage import DiskMeter
from kubelet.eviction import EvictionConfig, EvictionManager
from kubelet.handlers import Handlers
from kubelet.image_gc import ImageCollector, ImageGcConfig
from kubelet.image_puller import ImagePuller
from kubelet.machine import oom_floor, read_machine
from kubelet.manifests import ManifestFolder
from kubelet.metrics import NodeCollector, register
from kubelet.network.backend.plan import Backend
from kubelet.network.node_network import NodeNetwork
from kubelet.network.plan import ipv4_ranges
from kubelet.network.pod_network import PodNetwork
from kubelet.network_loop import NetworkLoop
from kubelet.node_address import NodeAddress
from kubelet.node_services import NodeServices
from kubelet.node_status import NodeStatus
from kubelet.options import KubeletOptions
from kubelet.plan import sysctls
from kubelet.plan.admission import rejection
from kubelet.plan.docker_config import NodeSettings
from kubelet.plan.eviction import parse_thresholds
from kubelet.plan.images import parse_image
from kubelet.plan.node import Machine, NodeFacts, allocatable
from kubelet.plan.pod_files import resolv_conf_warning
from kubelet.plan.qos import milli, whole
from kubelet.pleg import ContainerCache
from kubelet.pod_resources import ApiPodResources
from kubelet.pods import PodManager
from kubelet.prober import Prober
from kubelet.runtime.docker import DockerRuntime
from kubelet.runtime.engine import DEFAULT_SOCKET, Engine
from kubelet.runtime.interface import RuntimeFailure, RuntimeVersion
from kubelet.sandbox import DEFAULT_PAUSE_IMAGE, PauseImage, read_resolv_conf
from kubelet.server.app import KubeletServer, tls_context
from kubelet.server.auth import KubeletAuth
from kubelet.server.stats import StatsProvider
from kubelet.static_pods import StaticPods, mirror_of
from kubelet.status import StatusManager
from kubelet.volumes.manager import VolumeManager

logger = logging.getLogger(__name__)

_MAX_IMAGES = 50
_HARD_EVICTION_MEMORY = 100 << 20


class Kubelet:
    """One node."""

    def __init__(
        self, options: KubeletOptions, client: RestClient, recorder: EventRecorder, node_name: str, address: NodeAddress
    ) -> None:
        self.options = options
        self.node_name = node_name
        self._address_of_node = address
        self._client = client
        self._recorder = recorder
        root_dir = str(Path(options.root_dir).resolve())
        self._root_dir = root_dir
        self._machine: Machine = read_machine(node_name, Path(root_dir))
        self.engine = Engine(_socket(options), timeout_seconds=options.runtime_request_timeout)
        self.runtime = DockerRuntime(self.engine, root_dir, pull_idle_seconds=options.image_pull_progress_deadline)
        self.cache = ContainerCache(self.runtime, self._pod_woken)
        self._network = _network(options, Path(root_dir), address)
        self._network_loop = NetworkLoop(
            self._network, node_name, options.pod_cidr, up=self._network_is_up, tell=self._tell_of_node
        )
        self._resources = ApiPodResources(client)
        self._volumes = VolumeManager(Path(root_dir), self._resources)
        self._handlers = Handlers(self.runtime)
        self._prober = Prober(self._handlers, self.cache.pod, self._address, self._pod_woken, self._tell)
        self._runtime_version: RuntimeVersion | None = None
        self._pods_informer: Informer | None = None
        self._node_informer: Informer | None = None
        self._services_informer: Informer | None = None
        self._synced = False
        self.status = StatusManager(client, self._latest_pod, self._mirror)
        self._status_of_node = NodeStatus(
            client, recorder, self.facts, update_seconds=options.node_status_update_frequency,
            report_seconds=options.node_status_report_frequency, lease_seconds=options.node_lease_duration_seconds,
            hard_eviction_memory=_HARD_EVICTION_MEMORY, register=options.register_node,
        )  # fmt: skip
        self._pause = PauseImage(
            self.runtime, parse_image(options.pod_infra_container_image).reference,
            may_build=options.pod_infra_container_image == DEFAULT_PAUSE_IMAGE,
        )  # fmt: skip
        self.services = self._node_services()
        self.pods = PodManager(self.services, self._handlers, self._pause, self._admit)
        self._static = StaticPods(
            ManifestFolder(Path(options.pod_manifest_path), node_name) if options.pod_manifest_path else None,
            self.pods, self.status, client, self._node, check_seconds=options.file_check_frequency,
        )  # fmt: skip
        self._stats = StatsProvider(self.runtime, self.cache, node_name, root_dir)
        self.server = self._make_server()
        self._eviction = self._make_eviction()
        self._sysctls = _allowed_sysctls(options)
        self._images = self._make_image_collector()

    def _node_services(self) -> NodeServices:
        options = self.options
        settings = NodeSettings(
            root_dir=self._root_dir, memory_capacity=self._machine.memory_bytes, oom_floor=oom_floor(),
            cfs_quota=options.cpu_cfs_quota, log_max_size=str(parse(options.container_log_max_size).value()),
            log_max_files=options.container_log_max_files, pids_limit=options.pod_max_pids,
        )  # fmt: skip
        return NodeServices(
            runtime=self.runtime, cache=self.cache, network=self._network, gate=AttachGate(), volumes=self._volumes,
            resources=self._resources, images=ImagePuller(self.runtime), prober=self._prober, status=self.status,
            recorder=self._recorder, settings=settings, address=self._address_of_node, node_name=self.node_name,
            resolv_conf_path=options.resolv_conf, services=self._services,
            pause_image=parse_image(options.pod_infra_container_image).reference, cluster_dns=options.cluster_dns,
            cluster_domain=options.cluster_domain, sync_seconds=options.sync_frequency,
        )  # fmt: skip

    def _make_server(self) -> KubeletServer:
        options = self.options
        auth = KubeletAuth(
            self._client, self.node_name, anonymous=options.anonymous_auth,
            tokens=options.authentication_token_webhook, mode=options.authorization_mode,
        )  # fmt: skip
        return KubeletServer(self.engine, self.runtime, self.cache, self.pods, self.status, self._stats, auth)

    def _make_eviction(self) -> EvictionManager:
        options = self.options
        try:
            thresholds = parse_thresholds(options.eviction_hard)
            graces = {signal: duration(text) for signal, text in options.eviction_soft_grace_period.items()}
            thresholds += parse_thresholds(options.eviction_soft, graces)
        except ValueError as error:
            raise FatalError(str(error)) from error
        config = EvictionConfig(
            thresholds, options.eviction_pressure_transition_period, float(options.eviction_max_pod_grace_period)
        )
        meter = DiskMeter(self.runtime, self.cache, self._root_dir)
        return EvictionManager(
            config, self._stats, meter, self._root_dir, self._image_dir, self.pods.pods, self._evict,
            self._free_disk, self._status_of_node.wake,
        )  # fmt: skip

    async def _free_disk(self) -> None:
        await self.pods.drop_dead_containers()
        await self._images.remove_unused()

    def _make_image_collector(self) -> ImageCollector:
        options = self.options
        config = ImageGcConfig(
            high_percent=options.image_gc_high_threshold, low_percent=options.image_gc_low_threshold,
            minimum_age_seconds=options.minimum_image_ttl_duration,
        )  # fmt: skip
        return ImageCollector(self.runtime, config, self._image_dir, self._images_in_use)

    def _image_dir(self) -> str:
        return self._runtime_version.root_dir if self._runtime_version else self._root_dir

    def _images_in_use(self) -> set[str]:
        result = {self.services.pause_image}
        for pod in self.pods.pods():
            for field_name in ("containers", "initContainers", "ephemeralContainers"):
                for container in pod["spec"].get(field_name) or ():
                    try:
                        result.add(parse_image(container.get("image") or "").reference)
                    except ValueError:
                        continue
        return result

    def _evict(self, pod: Object, message: str, *, grace_seconds: float, disrupted: bool = False) -> None:
        worker = self.pods.worker(uid_of(pod))
        if worker is not None:
            self.services.event(pod, "Warning", "Evicted", message)
            worker.fail("Evicted", message, grace_seconds, disrupted=disrupted)

    def _renew_certificates(self, process: Process, serving: ssl.SSLContext | None) -> None:
        options = self.options
        if options.rotate_certificates and options.kubeconfig:
            renewal = client_rotation(options, self._client, self.node_name)
            process.spawn("client-certificate", renewal.run())
        if options.rotate_server_certificates and serving is not None:
            renewal = serving_rotation(options, self._client, self.node_name, self._node, serving)
            process.spawn("server-certificate", renewal.run())

    async def _serve(self) -> ssl.SSLContext | None:
        """Listen; the TLS context of the port that asks who is there."""
        options, context = self.options, None
        if options.enable_server and options.port:
            context = await tls_context(
                options.tls_cert_file, options.tls_private_key_file, options.client_ca_file,
                issued_later=options.rotate_server_certificates,
            )  # fmt: skip
            await self.server.start(options.address, options.port, context)
            if not (options.client_ca_file or options.anonymous_auth or options.authentication_token_webhook):
                logger.warning(
                    "Nobody can ask for logs: set --client-ca-file, --authentication-token-webhook or --anonymous-auth"
                )
        if options.read_only_port:
            await self.server.start_read_only(options.address, options.read_only_port)
        return context

    async def run(self, process: Process, informers: tuple[Informer, Informer, Informer]) -> None:
        """Run until cancelled; pods are left running at the end."""
        self._pods_informer, self._services_informer, self._node_informer = informers
        process.add_health_check("syncloop", lambda: None)
        await process.serve_health(self.options.healthz_bind_address, self.options.healthz_port)
        register(NodeCollector(self.node_name, self.cache.records))
        serving = await self._serve()
        try:
            await self._start(process)
            self._renew_certificates(process, serving)
            process.ready("running")
            await asyncio.Event().wait()
        finally:
            await self.server.close()
            await self.pods.close()
            self._prober.close()
            await self._handlers.close()
            await self._network.stop()
            await self.engine.close()

    async def _start(self, process: Process) -> None:
        process.spawn("events", self._recorder.run())
        process.spawn("pleg-relist", self.cache.run_relist())
        process.spawn("pleg-events", self.cache.run_events())
        for informer in (self._pods_informer, self._services_informer, self._node_informer):
            if informer is not None:
                process.spawn(f"informer-{informer.resource.plural}", informer.run())
        process.spawn("node-status", self._status_of_node.run())
        process.spawn("node-lease", self._status_of_node.run_lease(self.node_name))
        process.spawn("pod-status", self.status.run())
        if self._node_informer is not None:
            process.spawn("network", self._network_loop.run(process, self._node_informer))
        process.spawn("sync", self._begin_sync(process))
        process.spawn("static-pods", self._run_static())

    async def _run_static(self) -> None:
        """Static pods run before there is an API server; what runs of them must be known first."""
        await self.cache.wait_listed()
        await self._static.run_files()

    async def _begin_sync(self, process: Process) -> None:
        """Start working on pods once it is known what runs here and what the API wants."""
        await self.cache.wait_listed()
        if self._pods_informer is None or self._services_informer is None or self._node_informer is None:
            raise FatalError("the kubelet was started without informers")
        await self._services_informer.wait_synced()
        await self._node_informer.wait_synced()
        self._resources.allocatable = allocatable(await self.facts(), _HARD_EVICTION_MEMORY)
        self._status_of_node.event(self.node_name, "Normal", "Starting", "Starting kubelet.")
        path = self.options.resolv_conf
        resolver = await asyncio.to_thread(read_resolv_conf, path)
        if trouble := resolv_conf_warning(path, resolver, self.options.cluster_domain):
            self._tell_of_node("CheckLimitsForResolvConf", trouble)
        self._pods_informer.on_change(self._static.pod_changed)
        await self._pods_informer.wait_synced()
        self._synced = True
        await self._static.loaded.wait()
        await self.pods.adopt_orphans()
        process.spawn("mirror-pods", self._static.run_mirrors(self._pods_informer))
        process.spawn("housekeeping", self.pods.run_housekeeping())
        process.spawn("eviction", self._eviction.run())
        process.spawn("image-gc", self._images.run())

    async def _network_is_up(self) -> None:
        await self.cache.wait_listed()
        self._status_of_node.settled.set()
        self._status_of_node.wake()
        self._wake_pods()

    def _wake_pods(self) -> None:
        for pod in self.pods.pods():
            self.pods.wake(uid_of(pod))

    def _mirror(self, pod: Object) -> Object | None:
        return mirror_of(pod, self._latest_pod(key_of(pod)), self._node())

    def _tell_of_node(self, reason: str, message: str) -> None:
        self._status_of_node.event(self.node_name, "Warning", reason, message)

    def _node(self) -> Object | None:
        return self._node_informer.store.get(self.node_name) if self._node_informer else None

    def _services(self) -> list[Object]:
        return list(self._services_informer.store.list()) if self._services_informer else []

    def _latest_pod(self, key: str) -> Object | None:
        return self._pods_informer.store.get(key) if self._pods_informer else None

    def _pod_woken(self, uid: str) -> None:
        self.pods.wake(uid)

    def _address(self, uid: str) -> str:
        return self.pods.address(uid)

    def _tell(self, pod: Object, type: str, reason: str, message: str, container: str) -> None:
        self.services.event(pod, type, reason, message, container)

    def _admit(self, pod: Object, others: list[Object]) -> tuple[str, str] | None:
        return (
            self._eviction.admits(pod)
            or sysctls.rejection(pod, self._sysctls)
            or rejection(pod, others, self._resources.allocatable, self._node())
        )

    async def _ask_version(self) -> RuntimeVersion:
        version = await self.runtime.version()
        if version.cgroup_driver and version.cgroup_driver != self.options.cgroup_driver:
            logger.info(
                "Docker's own cgroup driver is used",
                extra={"docker": version.cgroup_driver, "flag": self.options.cgroup_driver},
            )
        return version

    async def facts(self) -> NodeFacts:
        """What is true of the node now."""
        if await self._address_of_node.look():
            self._wake_pods()  # their statuses tell it
        trouble = []
        images: list[tuple[list[str], int]] = []
        if self.cache.trouble is not None:
            self._runtime_version = None
            trouble.append(f"container runtime is down: {self.cache.trouble}")
        else:
            try:
                if self._runtime_version is None:
                    self._runtime_version = await self._ask_version()
                found = sorted(await self.runtime.list_images(), key=lambda image: -image.size)
                images = [([*i.digests, *i.tags], i.size) for i in found if i.digests or i.tags][:_MAX_IMAGES]
            except RuntimeFailure as error:
                trouble.append(f"container runtime is down: {error}")
        if (why := self._network.not_ready()) is not None:
            trouble.append(
                "container runtime network not ready: NetworkReady=false "
                f"reason:NetworkPluginNotReady message:docker: network plugin is not ready: {why}"
            )
        version = f"docker://{self._runtime_version.version}" if self._runtime_version else "docker://unknown"
        return NodeFacts(
            name=self.node_name, ip=self._address_of_node.value, machine=self._machine, kubelet_port=self.options.port,
            runtime_version=version, kubelet_version=GIT_VERSION, max_pods=self.options.max_pods,
            reserved=_reserved(self.options), labels=self.options.node_labels,
            taints=[_taint(text) for text in self.options.register_with_taints],
            schedulable=self.options.register_schedulable, images=images, trouble=trouble,
            usage=self._eviction.usage(), pod_network=self._pod_network(),
        )  # fmt: skip

    def _pod_network(self) -> str:
        backend = self._network.backend
        return "" if backend is Backend.NONE or self._network.not_ready() else str(backend)


def _allowed_sysctls(options: KubeletOptions) -> sysctls.Allowed:
    try:
        return sysctls.allowed(options.allowed_unsafe_sysctls)
    except ValueError as error:
        raise FatalError(str(error)) from error


def _network(options: KubeletOptions, root_dir: Path, address: NodeAddress) -> NodeNetwork:
    if options.hairpin_mode == "promiscuous-bridge":
        logger.warning("Hairpin mode promiscuous-bridge is kubenet's; falling back to hairpin-veth")
    try:
        cluster_cidrs = ipv4_ranges(options.cluster_cidr)
    except ValueError as error:
        raise FatalError(f"bad --cluster-cidr: {error}") from error
    own = PodNetwork(
        state_dir=root_dir / "network", cluster_cidrs=cluster_cidrs,
        backend=Backend(options.pod_network_backend), node_ip=lambda: address.value, mtu=options.network_plugin_mtu,
        hairpin=options.hairpin_mode != "none",
    )  # fmt: skip
    state_dir = Path(options.cni_cache_dir) if options.cni_cache_dir else root_dir / "cni"
    return NodeNetwork(own, conf_dir=Path(options.cni_conf_dir), bin_dirs=options.cni_bin_dir, state_dir=state_dir)


def _socket(options: KubeletOptions) -> str:
    endpoint = options.docker_endpoint
    if "docker" in options.container_runtime_endpoint and "dockershim" not in options.container_runtime_endpoint:
        endpoint = endpoint or options.container_runtime_endpoint
    return endpoint.removeprefix("unix://") or DEFAULT_SOCKET


def _reserved(options: KubeletOptions) -> dict[str, int]:
    total = {"cpu": 0, "memory": 0}
    for reserved in (options.system_reserved, options.kube_reserved):
        total["cpu"] += milli(reserved.get("cpu", "0"))
        total["memory"] += whole(reserved.get("memory", "0"))
    return total


def _taint(text: str) -> dict[str, str]:
    key_value, _, effect = text.rpartition(":")
    key, _, value = key_value.partition("=")
    return {"key": key, "value": value, "effect": effect} if value else {"key": key, "effect": effect}
