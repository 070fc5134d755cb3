"""The text of a pod's /etc/hosts and /etc/resolv.conf. Pure.

The rules are those of pkg/kubelet/kubelet_pods.go (managed hosts file) and pkg/kubelet/network/dns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object, name_of, namespace_of, uid_of
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


#: What pods get where the kubelet is told that the node has no resolver configuration.
NO_RESOLVER = ResolvConf(("127.0.0.1",), (".",))


@dataclass(frozen=True, slots=True)
class PodDns:
    """A pod's DNS settings, and as (reason, message) what has to be told about them."""

    conf: ResolvConf
    warnings: tuple[tuple[str, str], ...] = ()


def parse_resolv_conf(text: str) -> ResolvConf:
    """The node's own settings; the last search and options lines count, ";" and "#" start comments."""
    nameservers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split()
        if not words or line.lstrip()[0] in "#;":
            continue
        if words[0] == "nameserver" and len(words) > 1:
            nameservers.append(words[1])
        elif words[0] in ("search", "domain"):
            searches = tuple(word.rstrip(".") or "." for word in words[1:])
        elif words[0] == "options":
            options = tuple(words[1:])
    return ResolvConf(tuple(nameservers), searches, options)


def pod_dns(pod: Object, node: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> PodDns:
    """The pod's DNS settings by its dnsPolicy and dnsConfig, within the limits of resolvers (KEP-2595)."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    warnings: list[tuple[str, str]] = []
    if policy == "None":
        base = ResolvConf()
    elif policy == "Default":
        base = node
    elif not cluster_dns:
        base = node
        warnings.append(("MissingClusterDNS", _missing_cluster_dns(pod)))
    else:
        namespace = namespace_of(pod)
        own = (f"{namespace}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain) if cluster_domain else ()
        base = ResolvConf(tuple(cluster_dns), _unique((*own, *node.searches)), ("ndots:5",))
    return _within_limits(_with_config(base, spec.get("dnsConfig") or {}), warnings)


def resolv_conf_warning(path: str, node: ResolvConf, cluster_domain: str) -> str | None:
    """What is wrong with the node's own settings: the cluster's three search domains need room beside them."""
    most = _MAX_SEARCHES - (3 if cluster_domain else 0)
    if len(node.searches) > most:
        return f"Resolv.conf file '{path}' contains search line consisting of more than {most} domains!"
    if len(" ".join(node.searches)) > _MAX_SEARCH_CHARS:
        return (
            f"Resolv.conf file '{path}' contains search line which length is more than allowed "
            f"{_MAX_SEARCH_CHARS} chars!"
        )
    return None


def _missing_cluster_dns(pod: Object) -> str:
    name = f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
    return (
        f'pod: "{name}". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" '
        'policy. Falling back to "Default" policy.'
    )


def _with_config(base: ResolvConf, config: dict[str, Any]) -> ResolvConf:
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        name, value = option.get("name") or "", option.get("value")
        options[name] = f"{name}:{value}" if value else name
    searches = _unique((*base.searches, *(config.get("searches") or ())))
    servers = _unique((*base.nameservers, *(config.get("nameservers") or ())))
    return ResolvConf(servers, searches, tuple(options.values()))


def _within_limits(wanted: ResolvConf, warnings: list[tuple[str, str]]) -> PodDns:
    servers, searches = wanted.nameservers[:_MAX_NAMESERVERS], wanted.searches[:_MAX_SEARCHES]
    while len(" ".join(searches)) > _MAX_SEARCH_CHARS:
        searches = searches[:-1]
    if servers != wanted.nameservers:
        warnings.append((
            "DNSConfigForming",
            "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
            + " ".join(servers),
        ))  # fmt: skip
    if searches != wanted.searches:
        warnings.append((
            "DNSConfigForming",
            "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
            + " ".join(searches),
        ))  # fmt: skip
    return PodDns(ResolvConf(servers, searches, wanted.options), tuple(warnings))


def _unique(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
