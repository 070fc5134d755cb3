"""The kubelet's flags, under the real names with the real defaults; those without a meaning here are taken as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from component.flags import WithoutEffect, duration, flag
from component.logs import LogOptions
from kubelet import flags_without_effect
from kubelet.sandbox import DEFAULT_PAUSE_IMAGE

_DOCKERSHIM = "the Docker Engine is always used; this flag has no effect"
_NETWORK = "a configuration in --cni-conf-dir says whether plugins are used; this flag has no effect"


@dataclass(frozen=True, kw_only=True)
class KubeletOptions(LogOptions):
    """Everything that can be said on the command line; `config_file.py` adds what a --config file says."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = flags_without_effect.ALL

    kubeconfig: str = flag("", help="path to a kubeconfig file, how to connect to the API server")
    master: str = flag("", help="address of the API server; overrides the kubeconfig's")
    api_servers: str = flag("", help="address of the API server", deprecated="use --kubeconfig or --master")
    config: str = flag("", help="file with a KubeletConfiguration; flags override it")
    bootstrap_kubeconfig: str = flag(
        "",
        help="kubeconfig to ask for a client certificate with, where --kubeconfig does not exist yet; writes that file",
    )
    root_dir: str = flag("/var/lib/kubelet", help="directory for managing kubelet files (volume mounts, etc)")
    cert_dir: str = flag(
        "/var/lib/kubelet/pki", help="where certificates are kept that the cluster signed; others are made in memory"
    )

    hostname_override: str = flag("", help="name of the node, instead of the host's name", group="Node")
    node_ip: str = flag("", help="address of the node; found by the default route when empty", group="Node")
    node_labels: dict[str, str] = flag({}, help="labels to add when registering the node", group="Node")
    register_node: bool = flag(True, help="register the node with the API server", group="Node")
    register_schedulable: bool = flag(True, help="register the node as schedulable", group="Node")
    register_with_taints: tuple[str, ...] = flag(
        (), help="taints to register the node with (key=value:effect)", group="Node"
    )
    node_status_update_frequency: float = flag(
        10.0, parse=duration, help="how often the node's status is computed", group="Node"
    )
    node_status_report_frequency: float = flag(
        300.0, parse=duration, help="how often an unchanged node status is written", group="Node"
    )
    node_lease_duration_seconds: int = flag(40, help="duration of the node's Lease", group="Node", minimum=1)
    max_pods: int = flag(110, help="number of pods that can run on this node", group="Node")
    system_reserved: dict[str, str] = flag({}, help="resources reserved for the system", group="Node")
    kube_reserved: dict[str, str] = flag({}, help="resources reserved for Kubernetes", group="Node")
    fail_swap_on: bool = flag(True, help="refuse to start while swap is enabled", group="Node")
    provider_id: str = flag("", help="identifier of the machine at its provider", group="Node")

    pod_infra_container_image: str = flag(
        DEFAULT_PAUSE_IMAGE, help="image of the pause containers that hold each pod's namespaces", group="Pods"
    )
    pod_manifest_path: str = flag("", help="file, or folder of files, with manifests of static pods", group="Pods")
    pod_max_pids: int = flag(-1, help="maximum number of processes per container", group="Pods")
    sync_frequency: float = flag(60.0, parse=duration, help="longest time between two looks at a pod", group="Pods")
    file_check_frequency: float = flag(
        20.0, parse=duration, help="how often static pod manifests are read", group="Pods"
    )
    cpu_cfs_quota: bool = flag(True, help="enforce CPU limits", group="Pods")
    cgroup_driver: str = flag("cgroupfs", help="driver that dockerd uses; checked, not set", group="Pods")
    cluster_dns: tuple[str, ...] = flag((), help="addresses of the cluster's DNS servers", group="Pods")
    cluster_domain: str = flag("", help="domain of the cluster", group="Pods")
    resolv_conf: str = flag("/etc/resolv.conf", help="resolver configuration that pods start from", group="Pods")
    container_log_max_size: str = flag("10Mi", help="size at which a container's log is rotated", group="Pods")
    container_log_max_files: int = flag(5, help="number of log files kept per container", group="Pods", minimum=2)
    event_qps: int = flag(50, help="accepted", group="Pods")

    docker_endpoint: str = flag("", help="unix socket of the Docker Engine", group="Runtime")
    container_runtime_endpoint: str = flag("", help="unix socket of the Docker Engine", group="Runtime")
    container_runtime: str = flag("docker", help="docker", deprecated=_DOCKERSHIM, group="Runtime")
    image_service_endpoint: str = flag("", help="accepted", deprecated=_DOCKERSHIM, group="Runtime")
    runtime_request_timeout: float = flag(120.0, parse=duration, help="time limit of runtime calls", group="Runtime")
    image_pull_progress_deadline: float = flag(
        60.0, parse=duration, help="a pull without progress for so long is given up", group="Runtime"
    )
    serialize_image_pulls: bool = flag(True, help="accepted; one pull per image at a time", group="Runtime")
    runtime_cgroups: str = flag("", help="accepted", group="Runtime")
    kubelet_cgroups: str = flag("", help="accepted", group="Runtime")
    cgroups_per_qos: bool = flag(True, help="accepted", group="Runtime")
    enforce_node_allocatable: tuple[str, ...] = flag((), help="accepted", group="Runtime")
    image_gc_high_threshold: int = flag(
        85, help="percent of disk usage at which images are removed", group="Runtime", minimum=0, maximum=100
    )
    image_gc_low_threshold: int = flag(
        80, help="percent of disk usage down to which they are removed", group="Runtime", minimum=0, maximum=100
    )
    minimum_image_ttl_duration: float = flag(
        120.0, parse=duration, help="age below which an image is kept", group="Runtime"
    )
    eviction_hard: str = flag(
        "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%,imagefs.available<15%",
        help="thresholds (signal<quantity or percent) that evict pods at once",
        group="Runtime",
    )
    eviction_soft: str = flag("", help="thresholds that evict pods when they are crossed for a while", group="Runtime")
    eviction_soft_grace_period: dict[str, str] = flag(
        {}, help="for each soft threshold (signal=duration): how long", group="Runtime"
    )
    eviction_max_pod_grace_period: int = flag(
        0, help="longest grace in seconds of pods that a soft threshold evicts", group="Runtime", minimum=0
    )
    eviction_pressure_transition_period: float = flag(
        300.0, parse=duration, help="how long a pressure condition is kept after it ended", group="Runtime"
    )
    pod_cidr: str = flag("", help="range of pod addresses; used when the Node object has none", group="Network")
    cluster_cidr: str = flag("", help="range of all pod addresses of the cluster, not masqueraded", group="Network")
    pod_network_backend: str = flag(
        "vxlan", help="how pods of other nodes are reached: vxlan, host-gw (every node on one L2) or none",
        choices=("vxlan", "host-gw", "none"), group="Network",
    )  # fmt: skip
    network_plugin: str = flag("", help="accepted", deprecated=_NETWORK, group="Runtime")
    network_plugin_mtu: int = flag(
        0, help="MTU of the pods' interfaces; 0 for what fits the node's", group="Network", minimum=0, maximum=65535
    )
    cni_conf_dir: str = flag(
        "/etc/cni/net.d", help="where a CNI configuration lies if plugins are to make the pod network", group="Network"
    )
    cni_bin_dir: tuple[str, ...] = flag(
        ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"), help="where CNI plugins are", group="Network"
    )
    cni_cache_dir: str = flag("", help="what CNI plugins answered; cni in --root-dir when empty", group="Network")
    hairpin_mode: str = flag(
        "hairpin-veth", help="how a pod reaches itself through a Service: hairpin-veth, promiscuous-bridge or none",
        choices=("promiscuous-bridge", "hairpin-veth", "none"), group="Network",
    )  # fmt: skip
    allowed_unsafe_sysctls: tuple[str, ...] = flag(
        (), help="sysctls that pods may set besides the safe ones; a * at the end is a wildcard", group="Pods"
    )
    feature_gates: dict[str, str] = flag({}, help="accepted", group="Runtime")
    allow_privileged: bool = flag(True, help="accepted", deprecated="privileged pods are always allowed")
    make_iptables_util_chains: bool = flag(True, help="accepted", group="Runtime")
    rotate_certificates: bool = flag(
        False, help="ask for a new client certificate before the old one expires", group="Certificates"
    )
    rotate_server_certificates: bool = flag(
        False, help="ask for the serving certificate, and for a new one in time", group="Certificates"
    )
    volume_plugin_dir: str = flag("", help="accepted", group="Runtime")
    streaming_connection_idle_timeout: float = flag(14400.0, parse=duration, help="accepted", group="Runtime")

    address: str = flag("0.0.0.0", help="address the server listens on", group="Server")
    port: int = flag(10250, help="port of the server", group="Server", minimum=0, maximum=65535)
    read_only_port: int = flag(0, help="port of the server without authentication; 0 for none", group="Server")
    healthz_port: int = flag(10248, help="port of /healthz; 0 for none", group="Server")
    healthz_bind_address: str = flag("127.0.0.1", help="address of /healthz", group="Server")
    enable_server: bool = flag(True, help="serve at all", group="Server")
    anonymous_auth: bool = flag(False, help="serve requests that do not authenticate", group="Server")
    authentication_token_webhook: bool = flag(
        False, help="check bearer tokens by TokenReview at the API server", group="Server"
    )
    authorization_mode: str = flag(
        "AlwaysAllow", help="AlwaysAllow or Webhook", choices=("AlwaysAllow", "Webhook"), group="Server"
    )
    client_ca_file: str = flag("", help="certificates that sign client certificates", group="Server")
    tls_cert_file: str = flag("", help="serving certificate; made at start when empty", group="Server")
    tls_private_key_file: str = flag("", help="key of the serving certificate", group="Server")
    tls_cipher_suites: tuple[str, ...] = flag((), help="accepted", group="Server")
    tls_min_version: str = flag("", help="accepted", group="Server")
