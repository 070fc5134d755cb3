"""kube-proxy: from flags to a running proxier. The only place where its parts are put together."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from api.resources import ENDPOINT_SLICES, NODES, SERVICES
from client.events import EventRecorder
from client.informer import Informer, InformerFactory
from client.kubeconfig import load
from client.rest import RestClient
from component.iptables import Iptables, IptablesError, PacketFilter
from component.process import FatalError, Process, run_process
from proxy import sysctl
from proxy.configfile import content_of, end_on_change
from proxy.conntrack import KernelFlowCleaner
from proxy.healthz import ProxyHealth
from proxy.iptables.parser import parse_table
from proxy.jumps import CANARY_TABLES, jumps
from proxy.nodesettings import localhost_node_ports
from proxy.nodewatch import NodeWatch
from proxy.options import ProxyOptions, with_config_file
from proxy.proxier import Proxier
from proxy.rules.cleanup import cleanup_text

logger = logging.getLogger(__name__)

#: Headless services and those of other proxies never reach us.
_OURS = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name"


def main(argv: Sequence[str] | None = None) -> int:
    """The kube-proxy command."""
    return run_process(
        serve,
        ProxyOptions,
        argv,
        name="kube-proxy",
        description="The Kubernetes network proxy: makes Services reachable on this node by iptables rules.",
    )


async def serve(options: ProxyOptions, process: Process) -> None:
    """Run until told to stop. Raises FatalError for what no retry can mend."""
    before = content_of(Path(options.config)) if options.config else None
    try:
        options = with_config_file(options)
        _check(options)
    except ValueError as error:
        raise FatalError(str(error)) from error
    if options.cleanup:
        for ipv6 in await families():
            await clean_up(Iptables(ipv6=ipv6))
        return
    try:
        config = load(options.kubeconfig, options.master)
    except ValueError as error:
        raise FatalError(str(error)) from error
    conntrack = sysctl.Conntrack(
        options.conntrack_max_per_core,
        options.conntrack_min,
        int(options.conntrack_tcp_timeout_established),
        int(options.conntrack_tcp_timeout_close_wait),
    )
    await asyncio.to_thread(sysctl.prepare, localhost_node_ports=localhost_node_ports(options), conntrack=conntrack)
    async with RestClient(config, user_agent="kube-proxy") as client:
        if options.config:
            process.spawn("config-file", end_on_change(Path(options.config), before))
        await _proxy(options, process, client)


async def _proxy(options: ProxyOptions, process: Process, client: RestClient) -> None:
    node_name = (options.hostname_override or socket.gethostname()).strip().lower()
    informers = InformerFactory(client)
    services = informers.informer(SERVICES, label_selector=_OURS)
    slices = informers.informer(ENDPOINT_SLICES, label_selector=_OURS)
    node = NodeWatch(options, informers.informer(NODES, field_selector=f"metadata.name={node_name}"), node_name)
    events = EventRecorder(client, component="kube-proxy", host=node_name)
    proxiers = [
        Proxier(
            services=services,
            endpoint_slices=slices,
            packet_filter=Iptables(ipv6=ipv6),
            flows=KernelFlowCleaner(ipv6=ipv6),
            node=node.settings(ipv6=ipv6),
            node_name=node_name,
            sync_period_seconds=options.iptables_sync_period,
            min_sync_period_seconds=options.iptables_min_sync_period,
            health_check_failed=partial(_tell_health_check_failure, events, services, node_name),
        )
        for ipv6 in await families()
    ]
    process.add_health_check("iptables", lambda: _trouble(proxiers))
    health = ProxyHealth(lambda: _trouble(proxiers), lambda: min(proxier.last_updated for proxier in proxiers))
    # Load balancers ask this one for health, so it is open to all; what else there is to read is at the second.
    if options.healthz_bind_address:
        await health.serve(*_host_and_port(options.healthz_bind_address))
    if options.metrics_bind_address:
        host, port = _host_and_port(options.metrics_bind_address)
        await process.serve_health(host, port, texts={"/proxyMode": "iptables"})
    process.spawn("informers", informers.run())
    process.spawn("events", events.run())
    about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node_name, "uid": node_name}}
    events.event(about, "Normal", "Starting", "")
    process.spawn("node", _follow_node(node, proxiers, health, process))
    process.ready("syncing iptables rules")
    try:
        await process.stopping.wait()
    finally:
        await health.close()


async def _follow_node(node: NodeWatch, proxiers: Sequence[Proxier], health: ProxyHealth, process: Process) -> None:
    """The rules depend on the node: it is looked at before the first of them is loaded."""
    await node.start()
    for proxier in proxiers:
        proxier.use_node(node.settings(ipv6=proxier.ipv6))
        process.spawn(f"proxier-{'ipv6' if proxier.ipv6 else 'ipv4'}", proxier.run())
    await node.run(proxiers, health)


async def families() -> list[bool]:
    """The address families that can be proxied here, as "is it IPv6": IPv4 always, since its errors are to be seen."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        await Iptables(ipv6=True).save("nat")
    except (OSError, IptablesError) as error:
        logger.info("IPv6 is not proxied", extra={"reason": str(error)})
        return [False]
    return [False, True]


def _trouble(proxiers: Sequence[Proxier]) -> str | None:
    return next((trouble for proxier in proxiers if (trouble := proxier.not_healthy())), None)


def _tell_health_check_failure(
    events: EventRecorder, services: Informer, node_name: str, key: str, port: int, error: str
) -> None:
    service = services.store.get(key)
    if service is not None:
        message = f'node {node_name} failed to start healthcheck "{key}" on port {port}: {error}'
        events.event(service, "Warning", "FailedToStartServiceHealthcheck", message)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _check(options: ProxyOptions) -> None:
    if options.proxy_mode not in ("", "iptables"):
        raise ValueError(f'unknown proxy mode "{options.proxy_mode}": this proxy has iptables')
    needed = {
        "": True,
        "ClusterCIDR": True,
        "NodeCIDR": True,
        "BridgeInterface": bool(options.pod_bridge_interface),
        "InterfaceNamePrefix": bool(options.pod_interface_name_prefix),
    }
    mode = options.detect_local_mode
    if mode not in needed:
        raise ValueError(f"unknown detect-local-mode: {mode}: one of {', '.join(key for key in needed if key)}")
    if not needed[mode]:
        raise ValueError(f"detect-local-mode {mode} needs --pod-bridge-interface or --pod-interface-name-prefix")
    if mode in ("", "ClusterCIDR") and not options.cluster_cidr:
        logger.warning("No --cluster-cidr: traffic to cluster IPs from outside the pods is not masqueraded")
    for cidr in (*options.cluster_cidr.split(","), *options.nodeport_addresses):
        if cidr:
            ipaddress.ip_network(cidr)
    ipaddress.ip_address(options.bind_address)
    for address in (options.healthz_bind_address, options.metrics_bind_address):
        if address and not address.rpartition(":")[2].isdigit():
            raise ValueError(f'"{address}" must be an address and a port, such as 127.0.0.1:10249')


async def clean_up(packet_filter: PacketFilter) -> None:
    """Remove every rule and chain of kube-proxy's; raises FatalError."""
    try:
        for jump in jumps():
            await packet_filter.delete_jump(jump)
        for table in CANARY_TABLES:
            text = cleanup_text(table, parse_table(await packet_filter.save(table)))
            if text:
                await packet_filter.restore(text)
    except IptablesError as error:
        raise FatalError(f"cannot clean up: {error}") from error
    logger.info("Removed all rules of kube-proxy")
