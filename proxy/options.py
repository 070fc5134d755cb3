"""kube-proxy's flags, and the fields of a KubeProxyConfiguration file that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import yaml

from component.flags import WithoutEffect, duration, flag
from component.logs import LogOptions


@dataclass(frozen=True, kw_only=True)
class ProxyOptions(LogOptions):
    """Defaults are the reference's."""

    without_effect: ClassVar[tuple[WithoutEffect, ...]] = (
        WithoutEffect(
            "only the mode iptables is served",
            values=("ipvs-exclude-cidrs", "ipvs-min-sync-period", "ipvs-scheduler", "ipvs-sync-period",
                    "ipvs-tcp-timeout", "ipvs-tcpfin-timeout", "ipvs-udp-timeout"),
            switches=("ipvs-strict-arp",),
        ),
        WithoutEffect("the node is known by its name", values=("boot-id-file", "machine-id-file")),
        WithoutEffect("watches keep everything fresh", values=("config-sync-period",)),
        WithoutEffect("the API server sets the pace, and JSON is spoken",
                      values=("kube-api-burst", "kube-api-content-type", "kube-api-qps")),
        WithoutEffect("a port in use always ends the proxy", switches=("bind-address-hard-fail",)),
        WithoutEffect("nothing of the kind exists here", switches=("profiling",),
                      values=("oom-score-adj", "proxy-port-range", "show-hidden-metrics-for-version",
                              "write-config-to")),
    )  # fmt: skip

    kubeconfig: str = flag("", help="path to kubeconfig file with authorization information")
    master: str = flag("", help="the address of the Kubernetes API server (overrides any value in kubeconfig)")
    config: str = flag("", help="the path to the configuration file (KubeProxyConfiguration)")
    hostname_override: str = flag("", help="the node's name, where it is not the host's")
    cluster_cidr: str = flag("", help="the range of the cluster's pods, or one per address family separated by a "
                             "comma: other sources of cluster IP traffic are masqueraded")  # fmt: skip
    bind_address: str = flag("0.0.0.0", help="the node's address; of an unspecified one only the family counts")
    healthz_bind_address: str = flag("0.0.0.0:10256", help='address and port of /healthz; "" for none')
    metrics_bind_address: str = flag("127.0.0.1:10249", help='address and port of /metrics; "" for none')
    proxy_mode: str = flag("", help="how to proxy: iptables, which is also the default")
    masquerade_all: bool = flag(False, help="masquerade all traffic to cluster IPs")
    nodeport_addresses: tuple[str, ...] = flag((), help="ranges: node ports are served on local addresses in them only")
    cleanup: bool = flag(False, help="remove iptables rules, and exit")
    iptables_sync_period: float = flag(30.0, parse=duration, help="how often the rules are looked after", minimum=0.001,
                                       group="Iptables")  # fmt: skip
    iptables_min_sync_period: float = flag(1.0, parse=duration, help="the least time between two syncs", minimum=0,
                                           group="Iptables")  # fmt: skip
    iptables_masquerade_bit: int = flag(14, help="the bit of the packet mark for masquerade", minimum=0, maximum=31,
                                        group="Iptables")  # fmt: skip
    iptables_localhost_nodeports: bool = flag(True, help="serve node ports on 127.0.0.1 too", group="Iptables")
    conntrack_max_per_core: int = flag(32768, help="tracked connections per core (0: leave it)", minimum=0,
                                       group="Conntrack")  # fmt: skip
    conntrack_min: int = flag(131072, help="tracked connections at least", minimum=0, group="Conntrack")
    conntrack_tcp_timeout_established: float = flag(86400.0, parse=duration, group="Conntrack",
                                                    help="idle timeout of connections (0: leave it)")  # fmt: skip
    conntrack_tcp_timeout_close_wait: float = flag(3600.0, parse=duration, group="Conntrack",
                                                   help="timeout in CLOSE_WAIT (0: leave it)")  # fmt: skip
    detect_local_mode: str = flag("", help="how traffic of pods is told from other: ClusterCIDR (the default), "
                                  "NodeCIDR, BridgeInterface, InterfaceNamePrefix")  # fmt: skip
    pod_bridge_interface: str = flag("", help="the bridge of this node's pods, for BridgeInterface")
    pod_interface_name_prefix: str = flag("", help="what the names of pods' interfaces begin with, for "
                                          "InterfaceNamePrefix")  # fmt: skip
    feature_gates: dict[str, bool] = flag({}, help="KubeProxyDrainingTerminatingNodes=true: /healthz tells load "
                                          "balancers when the node is about to go; others are accepted")  # fmt: skip


#: Where a field of the file goes, and how its text is read.
_FIELDS: Mapping[str, tuple[str, Any]] = {
    "bindAddress": ("bind_address", str),
    "healthzBindAddress": ("healthz_bind_address", str),
    "metricsBindAddress": ("metrics_bind_address", str),
    "hostnameOverride": ("hostname_override", str),
    "clusterCIDR": ("cluster_cidr", str),
    "mode": ("proxy_mode", str),
    "nodePortAddresses": ("nodeport_addresses", tuple),
    "detectLocalMode": ("detect_local_mode", str),
    "detectLocal.bridgeInterface": ("pod_bridge_interface", str),
    "detectLocal.interfaceNamePrefix": ("pod_interface_name_prefix", str),
    "featureGates": ("feature_gates", dict),
    "clientConnection.kubeconfig": ("kubeconfig", str),
    "iptables.masqueradeAll": ("masquerade_all", bool),
    "iptables.masqueradeBit": ("iptables_masquerade_bit", int),
    "iptables.localhostNodePorts": ("iptables_localhost_nodeports", bool),
    "iptables.syncPeriod": ("iptables_sync_period", duration),
    "iptables.minSyncPeriod": ("iptables_min_sync_period", duration),
    "conntrack.maxPerCore": ("conntrack_max_per_core", int),
    "conntrack.min": ("conntrack_min", int),
    "conntrack.tcpEstablishedTimeout": ("conntrack_tcp_timeout_established", duration),
    "conntrack.tcpCloseWaitTimeout": ("conntrack_tcp_timeout_close_wait", duration),
}


def with_config_file(options: ProxyOptions) -> ProxyOptions:
    """The options with what the --config file sets in place of flags; raises ValueError in one line."""
    if not options.config:
        return options
    try:
        content = yaml.safe_load(Path(options.config).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"failed to load the configuration file {options.config}: {error}") from error
    if not isinstance(content, dict) or content.get("kind") != "KubeProxyConfiguration":
        raise ValueError(f"{options.config} is not a KubeProxyConfiguration")
    changes = {}
    for path, (name, read) in _FIELDS.items():
        value: Any = content
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        # The API's zero values stand for the defaults.
        if value not in (None, "", "0s", []):
            try:
                changes[name] = read(value)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{options.config}: {path}: {error}") from error
    if options.hostname_override:
        changes.pop("hostname_override", None)
    return replace(options, **changes)
