"""kube-proxy: from flags to a running proxier. The only place where its parts are put together."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Sequence

from api.resources import ENDPOINT_SLICES, NODES, SERVICES
from apimachinery.errors import ApiError
from apimachinery.objects import Object
from client.events import EventRecorder
from client.informer import InformerFactory
from client.kubeconfig import load
from client.rest import RestClient
from component.iptables import Iptables, IptablesError, PacketFilter
from component.process import FatalError, Process, run_process
from proxy import sysctl
from proxy.conntrack import KernelFlowCleaner
from proxy.iptables.parser import parse_table
from proxy.jumps import CANARY_TABLES, jumps
from proxy.localaddresses import local_addresses
from proxy.options import ProxyOptions, with_config_file
from proxy.proxier import Proxier
from proxy.rules.cleanup import cleanup_text
from proxy.rules.model import NodeSettings

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
    try:
        options = with_config_file(options)
        _check(options)
    except ValueError as error:
        raise FatalError(str(error)) from error
    if options.cleanup:
        await clean_up(Iptables())
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
    await asyncio.to_thread(
        sysctl.prepare, localhost_node_ports=options.iptables_localhost_nodeports, conntrack=conntrack
    )
    async with RestClient(config, user_agent="kube-proxy") as client:
        await _proxy(options, process, client)


async def _proxy(options: ProxyOptions, process: Process, client: RestClient) -> None:
    node_name = (options.hostname_override or socket.gethostname()).strip().lower()
    informers = InformerFactory(client)
    proxier = Proxier(
        services=informers.informer(SERVICES, label_selector=_OURS),
        endpoint_slices=informers.informer(ENDPOINT_SLICES, label_selector=_OURS),
        packet_filter=Iptables(),
        flows=KernelFlowCleaner(),
        node=await _node_settings(options, client, node_name),
        node_name=node_name,
        sync_period_seconds=options.iptables_sync_period,
        min_sync_period_seconds=options.iptables_min_sync_period,
    )
    process.add_health_check("iptables", proxier.not_healthy)
    # Load balancers ask the first one for health, so it is open to all; what else there is to read is at the second.
    for address, health_only in ((options.healthz_bind_address, True), (options.metrics_bind_address, False)):
        if address:
            host, _, port = address.rpartition(":")
            await process.serve_health(host.strip("[]"), int(port), health_only=health_only)
    process.spawn("informers", informers.run())
    process.spawn("proxier", proxier.run())
    events = EventRecorder(client, component="kube-proxy", host=node_name)
    process.spawn("events", events.run())
    about = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node_name, "uid": node_name}}
    events.event(about, "Normal", "Starting", "")
    process.ready("syncing iptables rules")
    await process.stopping.wait()


async def _node_settings(options: ProxyOptions, client: RestClient, node_name: str) -> NodeSettings:
    addresses: tuple[str, ...] = ()
    if options.nodeport_addresses:
        ranges = [ipaddress.ip_network(cidr) for cidr in options.nodeport_addresses]
        found = [ipaddress.ip_address(address) for address in await local_addresses()]
        addresses = tuple(str(address) for address in found if any(address in cidr for cidr in ranges))
        if not addresses:
            raise FatalError(f"no local address is in --nodeport-addresses {','.join(options.nodeport_addresses)}")
    if not options.cluster_cidr:
        logger.warning("No --cluster-cidr: traffic to cluster IPs from outside the pods is not masqueraded")
    return NodeSettings(
        cluster_cidr=options.cluster_cidr,
        masquerade_all=options.masquerade_all,
        masquerade_bit=options.iptables_masquerade_bit,
        node_port_addresses=addresses,
        localhost_node_ports=options.iptables_localhost_nodeports,
        node_ips=await _node_ips(options, client, node_name),
    )


async def _node_ips(options: ProxyOptions, client: RestClient, node_name: str) -> tuple[str, ...]:
    """The node's own address as the API knows it; it matters to loadBalancerSourceRanges only, so no answer will do."""
    if not ipaddress.ip_address(options.bind_address).is_unspecified:
        return (options.bind_address,)
    try:
        node: Object = await client.get(NODES, "", node_name)
    except ApiError as error:
        logger.info("The node's address is not known yet", extra={"node": node_name, "error": str(error)})
        return ()
    entries = (node.get("status") or {}).get("addresses") or ()
    return tuple(entry["address"] for entry in entries if entry.get("type") == "InternalIP" and "." in entry["address"])


def _check(options: ProxyOptions) -> None:
    if options.proxy_mode not in ("", "iptables"):
        raise ValueError(f'unknown proxy mode "{options.proxy_mode}": this proxy has iptables')
    if options.detect_local_mode not in ("", "ClusterCIDR"):
        raise ValueError(f'local detection mode "{options.detect_local_mode}" is not supported: ClusterCIDR is')
    for cidr in (options.cluster_cidr, *options.nodeport_addresses):
        if cidr:
            ipaddress.ip_network(cidr)
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
