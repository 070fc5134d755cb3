"""/etc/hosts and /etc/resolv.conf of pods."""

from __future__ import annotations

from kubelet.plan.pod_files import ResolvConf, dns_events, hosts_file, parse_resolv_conf, pod_dns
from tests.unit.kubelet.plan.pods import make_pod

NODE = ResolvConf(("192.0.2.53",), ("example.org",), ("timeout:1",))
DNS = ("10.96.0.10",)


def test_hosts_of_a_pod() -> None:
    pod = make_pod(hostAliases=[{"ip": "1.2.3.4", "hostnames": ["a", "b"]}], hostname="h", subdomain="s")
    text = hosts_file(pod, "10.0.0.2", "cluster.local")
    assert text.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert "\n10.0.0.2\th.s.ns.svc.cluster.local\th\n" in text
    assert text.endswith("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n")


def test_hosts_on_the_host_are_the_node_s() -> None:
    text = hosts_file(make_pod(hostNetwork=True), "192.0.2.1", "", "127.0.0.1\tnode\n")
    assert text == "# Kubernetes-managed hosts file (host network).\n127.0.0.1\tnode\n"


def test_parse_resolv_conf() -> None:
    text = "# c\nnameserver 1.1.1.1\n;x\nsearch a. b\nsearch c d\noptions ndots:2 rotate\nnameserver 2.2.2.2\n"
    assert parse_resolv_conf(text) == ResolvConf(("1.1.1.1", "2.2.2.2"), ("c", "d"), ("ndots:2", "rotate"))


def test_cluster_first() -> None:
    found = pod_dns(make_pod(), NODE, DNS, "cluster.local")
    assert found.nameservers == DNS
    assert found.searches == ("ns.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org")
    assert found.options == ("ndots:5",)
    assert found.text().splitlines()[0] == "nameserver 10.96.0.10"


def test_other_policies() -> None:
    assert pod_dns(make_pod(dnsPolicy="Default"), NODE, DNS, "cluster.local") == NODE
    assert pod_dns(make_pod(hostNetwork=True), NODE, DNS, "cluster.local") == NODE
    assert pod_dns(make_pod(), NODE, (), "cluster.local") == NODE
    both = make_pod(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")
    assert pod_dns(both, NODE, DNS, "cluster.local").nameservers == DNS


def test_dns_config_adds_and_overrides() -> None:
    config = {
        "nameservers": ["1.1.1.1", "10.96.0.10", "2.2.2.2", "3.3.3.3"],
        "searches": ["x.org"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }
    found = pod_dns(make_pod(dnsConfig=config), NODE, DNS, "cluster.local")
    assert found.nameservers == ("10.96.0.10", "1.1.1.1", "2.2.2.2")
    assert found.searches[-1] == "x.org"
    assert found.options == ("ndots:2", "rotate")
    alone = pod_dns(make_pod(dnsPolicy="None", dnsConfig=config), NODE, DNS, "cluster.local")
    assert alone.searches == ("x.org",)


def test_dns_settings_that_cannot_be_as_asked_are_told() -> None:
    assert dns_events(make_pod(), NODE, DNS, "cluster.local") == []
    assert dns_events(make_pod(hostNetwork=True), NODE, (), "") == []
    [(reason, message)] = dns_events(make_pod(), NODE, (), "")
    assert reason == "MissingClusterDNS"
    assert message.endswith('cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.')
    many = make_pod(
        dnsPolicy="None",
        dnsConfig={"nameservers": [f"10.0.0.{n}" for n in range(4)], "searches": [f"s{n}" for n in range(33)]},
    )
    line = " ".join(f"s{n}" for n in range(32))
    assert dns_events(many, NODE, DNS, "cluster.local") == [
        ("DNSConfigForming", "Search Line limits were exceeded, some search paths have been omitted, "
                             f"the applied search line is: {line}"),
        ("DNSConfigForming", "Nameserver limits were exceeded, some nameservers have been omitted, "
                             "the applied nameserver line is: 10.0.0.0 10.0.0.1 10.0.0.2"),
    ]  # fmt: skip
