"""Services and endpoints as the proxy sees them: one value per service port, one per endpoint. Pure.

`services.py` and `endpoints.py` make these from API objects, `service_chains.py` turns them into chains."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One port of one Service, in one address family."""

    namespace: str
    name: str
    port_name: str
    protocol: str  #: "tcp", "udp", "sctp"
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    affinity_seconds: int = 0  #: 0: no session affinity
    external_local: bool = False
    internal_local: bool = False
    health_check_node_port: int = 0
    topology_hints: bool = False  #: whether the hints of endpoints count

    @property
    def full_name(self) -> str:
        """As comments and chain names have it: "namespace/name:port", without ":port" where the port has no name."""
        return f"{self.namespace}/{self.name}" + (f":{self.port_name}" if self.port_name else "")

    @property
    def externally_accessible(self) -> bool:
        """Whether anything but the cluster IP leads here."""
        return bool(self.node_port or self.external_ips or self.load_balancer_ips)

    @property
    def uses_cluster_endpoints(self) -> bool:
        """Whether some traffic may go to endpoints on other nodes: with external policy Local, what starts inside the
        cluster still may."""
        return not self.internal_local or self.externally_accessible

    @property
    def uses_local_endpoints(self) -> bool:
        """Whether some traffic must stay on this node."""
        return self.internal_local or (self.externally_accessible and self.external_local)


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address and port behind a service port."""

    ip: str
    port: int
    ready: bool = field(default=True, compare=True)
    serving: bool = True
    terminating: bool = False
    local: bool = False
    zones: tuple[str, ...] = ()  #: the zones that this endpoint is meant for; empty: it carries no hint

    @property
    def target(self) -> str:
        """ "ip:port", "[ip]:port" for IPv6."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What of the node and the flags shapes the rules."""

    #: How traffic of the cluster's own pods is told from other, which is masqueraded on its way to a cluster IP: by
    #: its source, or by the link it comes in from ("cni0", "veth+"). Neither: it is not told.
    cluster_cidr: str = ""
    pod_link: str = ""
    masquerade_all: bool = False
    masquerade_bit: int = 14
    #: The node's addresses that serve node ports; None: all of them.
    node_port_addresses: tuple[str, ...] | None = None
    localhost_node_ports: bool = True
    node_ips: tuple[str, ...] = ()
    zone: str = ""
    endpoint_comments: bool = True  #: whether the rules of endpoints say whose they are
    ipv6: bool = False

    @property
    def from_pod(self) -> str:
        """The match of what pods send, "" where it can't be told."""
        if self.pod_link:
            return f"-i {self.pod_link}"
        return f"-s {self.cluster_cidr}" if self.cluster_cidr else ""

    @property
    def masquerade_mark(self) -> str:
        """ "0x4000" for bit 14."""
        return f"{1 << self.masquerade_bit:#06x}"

    @property
    def host_mask(self) -> str:
        """The prefix length of a single address."""
        return "/128" if self.ipv6 else "/32"
