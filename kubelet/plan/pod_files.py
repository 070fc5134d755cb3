"""The text of a pod's /etc/hosts and /etc/resolv.conf. Pure.

The rules are those of pkg/kubelet/kubelet_pods.go (managed hosts file) and pkg/kubelet/network/dns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from apimachinery.objects import Object, namespace_of, uid_of
from kubelet.plan.docker_config import host_name

_MAX_NAMESERVERS, _MAX_SEARCHES, _MAX_SEARCH_CHARS = 3, 32, 2048
_HEADER = "# Kubernetes-managed hosts file.\n"
_LOOPBACK = (
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
)


def hosts_file(pod: Object, pod_ip: str, cluster_domain: str, node_hosts: str = "") -> str:
    """/etc/hosts of a pod; one on the host's network gets the node's own (`node_hosts`) with its aliases added."""
    aliases = "".join(
        f"{alias['ip']}\t{chr(9).join(alias.get('hostnames') or ())}\n"
        for alias in pod["spec"].get("hostAliases") or ()
    )
    if aliases:
        aliases = "\n# Entries added by HostAliases.\n" + aliases
    if pod["spec"].get("hostNetwork"):
        return f"# Kubernetes-managed hosts file (host network).\n{node_hosts}{aliases}"
    hostname, domain = host_name({**pod, "spec": {**pod["spec"], "setHostnameAsFQDN": False}}, cluster_domain)
    names = f"{hostname}.{domain}\t{hostname}" if domain else hostname
    return f"{_HEADER}{_LOOPBACK}{pod_ip}\t{names}\n{aliases}"


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """The three settings of a resolv.conf."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """As a file."""
        lines = [f"nameserver {server}" for server in self.nameservers]
        if self.searches:
            lines.append("search " + " ".join(self.searches))
        if self.options:
            lines.append("options " + " ".join(self.options))
        return "\n".join(lines) + "\n"


def parse_resolv_conf(text: str) -> ResolvConf:
    """The node's own settings; the last search line counts, ";" and "#" start comments."""
    nameservers: list[str] = []
    searches: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or line.lstrip()[0] in "#;":
            continue
        if words[0] == "nameserver" and len(words) > 1:
            nameservers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = tuple(word.rstrip(".") or "." for word in words[1:])
        elif words[0] == "options":
            options += words[1:]
    return ResolvConf(tuple(nameservers), searches, tuple(options))


def pod_dns(pod: Object, node: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> ResolvConf:
    """The pod's DNS settings by its dnsPolicy and dnsConfig, cut to what resolvers take."""
    return _within_limits(_all_dns(pod, node, cluster_dns, cluster_domain))


def dns_events(pod: Object, node: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> list[tuple[str, str]]:
    """(reason, message) of the warnings that the pod's DNS settings deserve."""
    result = []
    if _dns_policy(pod) in ("ClusterFirst", "ClusterFirstWithHostNet") and not cluster_dns:
        where = f"{pod['metadata']['name']}_{namespace_of(pod)}({uid_of(pod)})"
        text = (
            'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. '
            'Falling back to "Default" policy.'
        )
        result.append(("MissingClusterDNS", f'pod: "{where}". {text}'))
    wanted = _all_dns(pod, node, cluster_dns, cluster_domain)
    applied = _within_limits(wanted)
    for what, omitted, line, before, after in (
        ("Search Line", "search paths", "search", wanted.searches, applied.searches),
        ("Nameserver", "nameservers", "nameserver", wanted.nameservers, applied.nameservers),
    ):
        if before != after:
            text = f"{what} limits were exceeded, some {omitted} have been omitted, the applied {line} line is: "
            result.append(("DNSConfigForming", text + " ".join(after)))
    return result


def _dns_policy(pod: Object) -> str:
    policy: str = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    return "Default" if policy == "ClusterFirst" and pod["spec"].get("hostNetwork") else policy


def _all_dns(pod: Object, node: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> ResolvConf:
    policy = _dns_policy(pod)
    if policy == "None":
        base = ResolvConf()
    elif policy == "Default" or not cluster_dns:
        base = node if node.nameservers else ResolvConf(("127.0.0.1",), (".",), ())
    else:
        namespace = namespace_of(pod)
        own = (f"{namespace}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain) if cluster_domain else ()
        base = ResolvConf(tuple(cluster_dns), (*own, *node.searches), ("ndots:5",))
    config = pod["spec"].get("dnsConfig") or {}
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        name, value = option.get("name") or "", option.get("value")
        options[name] = name if value is None else f"{name}:{value}"
    return ResolvConf(
        _unique((*base.nameservers, *(config.get("nameservers") or ()))),
        _unique((*base.searches, *(config.get("searches") or ()))),
        tuple(options.values()),
    )


def _within_limits(dns: ResolvConf) -> ResolvConf:
    searches = dns.searches[:_MAX_SEARCHES]
    while len(" ".join(searches)) > _MAX_SEARCH_CHARS:
        searches = searches[:-1]
    return ResolvConf(dns.nameservers[:_MAX_NAMESERVERS], searches, dns.options)


def _unique(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
