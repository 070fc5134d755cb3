"""kube-dns's flags."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from component.flags import duration, flag
from component.logs import LogOptions
from dns.clients import PRIVATE_NETWORKS


@dataclass(frozen=True, kw_only=True)
class DnsOptions(LogOptions):
    """The reference's cluster DNS is CoreDNS, whose settings are in a file: defaults are what kubeadm deploys."""

    kubeconfig: str = flag("", help="path to a kubeconfig file, how to connect to the API server")
    master: str = flag("", help="address of the API server; overrides the kubeconfig's")
    hostname_override: str = flag("", help="the node's name, where it is not the host's")

    # Not all addresses: an answer must come from the address that was asked, and who does not ask it by the Service
    # has the host's own resolver. Not port 53: that is often the host's resolver's; the Service has port 53.
    bind_address: str = flag("", help="address to serve; that of the default route when empty", group="Serving")
    port: int = flag(10053, help="UDP and TCP port to serve", group="Serving", minimum=0, maximum=65535)
    allow_from: tuple[str, ...] = flag(PRIVATE_NETWORKS, group="Serving",
                                       help="networks of clients that are answered, and this machine")  # fmt: skip
    healthz_bind_address: str = flag("127.0.0.1:8181", help='address and port of /health and /ready; "" for none',
                                     group="Serving")  # fmt: skip
    metrics_bind_address: str = flag("127.0.0.1:9153", help='address and port of /metrics; "" for none',
                                     group="Serving")  # fmt: skip

    cluster_domain: str = flag("cluster.local", help="domain of the cluster", group="Zone")
    pods: str = flag("insecure", choices=("disabled", "insecure", "verified"), group="Zone",
                     help="names of pods' addresses: none, any address, or those of pods there are")  # fmt: skip
    record_ttl: float = flag(30.0, parse=duration, minimum=0, maximum=3600, group="Zone",
                             help="how long answers about the cluster may be kept")  # fmt: skip

    upstream: tuple[str, ...] = flag((), help="servers (address or address:port) to ask for other names; none: those "
                                     "of --resolv-conf", group="Forwarding")  # fmt: skip
    resolv_conf: str = flag("/etc/resolv.conf", help="file that names servers, read again when it changes",
                            group="Forwarding")  # fmt: skip
    upstream_policy: str = flag("random", choices=("random", "round_robin", "sequential"), group="Forwarding",
                                help="which server is asked first")  # fmt: skip
    upstream_timeout: float = flag(2.0, parse=duration, minimum=0.05, help="time limit of one try", group="Forwarding")
    max_concurrent_forwards: int = flag(1000, help="questions to other servers at a time", minimum=1,
                                        group="Forwarding")  # fmt: skip
    cache_entries: int = flag(10000, help="answers of other servers kept (0: none)", minimum=0, group="Forwarding")
    cache_max_ttl: float = flag(30.0, parse=duration, minimum=0, maximum=86400, group="Forwarding",
                                help="longest time that they are kept")  # fmt: skip

    register: bool = flag(True, help="keep this server among the endpoints of the Service", group="Service")
    service_name: str = flag("kube-dns", help="name of the Service", group="Service")
    service_namespace: str = flag("kube-system", help="namespace of the Service", group="Service")
    lease_namespace: str = flag("kube-dns-lease", help="namespace of the servers' Leases", group="Service")
    lameduck: float = flag(5.0, parse=duration, minimum=0, maximum=25, group="Service",
                           help="how long to go on answering after it has left the Service")  # fmt: skip


def host_port(text: str, flag_name: str) -> tuple[str, int]:
    """ "127.0.0.1:8181" taken apart; raises ValueError that names the flag."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    try:
        ipaddress.ip_address(host)
        if not port.isdigit() or int(port) > 65535:
            raise ValueError
    except ValueError:
        raise ValueError(f'{flag_name}: "{text}" must be an address and a port, such as 127.0.0.1:8181') from None
    return host, int(port)
