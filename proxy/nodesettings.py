"""What of the flags, of the Node object and of the host's addresses shapes one address family's rules. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from apimachinery.objects import Object, labels_of
from proxy.localaddresses import serving_addresses
from proxy.options import ProxyOptions
from proxy.rules.model import NodeSettings
from proxy.rules.services import of_family

_ZONE = "topology.kubernetes.io/zone"


def node_settings(options: ProxyOptions, node: Object | None, local: Iterable[str], *, ipv6: bool) -> NodeSettings:
    """The settings of one family; `node` is None while the API has no such Node, `local` are the host's addresses
    (needed with --nodeport-addresses only)."""
    spec, labels = (node or {}).get("spec") or {}, labels_of(node or {})
    return NodeSettings(
        cluster_cidr=_pod_range(options, spec, ipv6=ipv6),
        pod_link=_pod_link(options),
        masquerade_all=options.masquerade_all,
        masquerade_bit=options.iptables_masquerade_bit,
        node_port_addresses=_node_port_addresses(options, local, ipv6=ipv6),
        localhost_node_ports=localhost_node_ports(options),
        node_ips=_node_ips(options, node, ipv6=ipv6),
        zone=labels.get(_ZONE) or "",
        ipv6=ipv6,
    )


def localhost_node_ports(options: ProxyOptions) -> bool:
    """Whether 127.0.0.1 is to serve node ports: it is asked for, and among --nodeport-addresses where there are any."""
    loopback = ipaddress.ip_network("127.0.0.0/8")
    ranges = [ipaddress.ip_network(cidr) for cidr in options.nodeport_addresses]
    served = not ranges or any(cidr.version == 4 and cidr.overlaps(loopback) for cidr in ranges)
    return options.iptables_localhost_nodeports and served


def _pod_range(options: ProxyOptions, spec: Object, *, ipv6: bool) -> str:
    if options.detect_local_mode == "NodeCIDR":
        return next(iter(of_family(spec.get("podCIDRs") or [spec.get("podCIDR")], ipv6=ipv6)), "")
    if options.detect_local_mode in ("", "ClusterCIDR"):
        return next(iter(of_family(options.cluster_cidr.split(","), ipv6=ipv6)), "")
    return ""


def _pod_link(options: ProxyOptions) -> str:
    match options.detect_local_mode:
        case "BridgeInterface":
            return options.pod_bridge_interface
        case "InterfaceNamePrefix":
            return f"{options.pod_interface_name_prefix}+"
    return ""


def _node_port_addresses(options: ProxyOptions, local: Iterable[str], *, ipv6: bool) -> tuple[str, ...] | None:
    """None where every address serves. Ranges of the other family alone leave this one as if there were none."""
    ranges = [cidr for cidr in map(ipaddress.ip_network, options.nodeport_addresses) if (cidr.version == 6) == ipv6]
    if not ranges or any(cidr.prefixlen == 0 for cidr in ranges):
        return None
    found = [address for address in local if (":" in address) == ipv6]
    return serving_addresses(found, ranges, localhost=not ipv6 and localhost_node_ports(options))


def _node_ips(options: ProxyOptions, node: Object | None, *, ipv6: bool) -> tuple[str, ...]:
    """The node's own address; it matters to loadBalancerSourceRanges only."""
    bound = ipaddress.ip_address(options.bind_address)
    if not bound.is_unspecified:
        return of_family([options.bind_address], ipv6=ipv6)
    entries = ((node or {}).get("status") or {}).get("addresses") or ()
    return of_family([entry["address"] for entry in entries if entry.get("type") == "InternalIP"], ipv6=ipv6)
