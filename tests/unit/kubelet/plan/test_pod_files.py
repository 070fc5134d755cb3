"""/etc/hosts and /etc/resolv.conf of pods."""

from __future__ import annotations

from apimachinery.objects import Object
from kubelet.plan.pod_files import ResolvConf, hosts_file, parse_resolv_conf, pod_dns, resolv_conf_warning
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
    text = "# c\nnameserver 1.1.1.1\n;x\nsearch a. b\nsearch c d\noptions debug\n"
    text += "options ndots:2 rotate\nnameserver 2.2.2.2\n"
    assert parse_resolv_conf(text) == ResolvConf(("1.1.1.1", "2.2.2.2"), ("c", "d"), ("ndots:2", "rotate"))


def dns(pod: Object, cluster_dns: tuple[str, ...] = DNS) -> ResolvConf:
    found = pod_dns(pod, NODE, cluster_dns, "cluster.local")
    assert found.warnings == ()
    return found.conf


def test_cluster_first() -> None:
    found = dns(make_pod())
    assert found.nameservers == DNS
    assert found.searches == ("ns.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org")
    assert found.options == ("ndots:5",)
    assert found.text().splitlines()[0] == "nameserver 10.96.0.10"


def test_other_policies() -> None:
    assert dns(make_pod(dnsPolicy="Default")) == NODE
    assert dns(make_pod(hostNetwork=True)) == NODE
    assert dns(make_pod(hostNetwork=True, dnsPolicy="ClusterFirstWithHostNet")).nameservers == DNS
    assert dns(make_pod(dnsPolicy="None")) == ResolvConf()


def test_without_a_cluster_dns_the_node_s_settings_serve_and_it_is_told() -> None:
    found = pod_dns(make_pod(), NODE, (), "cluster.local")
    assert found.conf == NODE
    ((reason, message),) = found.warnings
    assert reason == "MissingClusterDNS"
    assert message.endswith('cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.')
    assert pod_dns(make_pod(dnsPolicy="Default"), NODE, (), "cluster.local").warnings == ()


def test_dns_config_adds_and_overrides() -> None:
    config = {
        "nameservers": ["1.1.1.1", "10.96.0.10"],
        "searches": ["x.org"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    }
    found = dns(make_pod(dnsConfig=config))
    assert found.nameservers == ("10.96.0.10", "1.1.1.1")
    assert found.searches[-1] == "x.org"
    assert found.options == ("ndots:2", "rotate")
    alone = dns(make_pod(dnsPolicy="None", dnsConfig=config))
    assert alone.searches == ("x.org",)


def test_what_resolvers_do_not_take_is_left_out_and_told() -> None:
    config = {"nameservers": ["1.1.1.1", "2.2.2.2", "3.3.3.3"], "searches": [f"d{number}" for number in range(29)]}
    found = pod_dns(make_pod(dnsConfig=config), NODE, DNS, "cluster.local")
    assert found.conf.nameservers == ("10.96.0.10", "1.1.1.1", "2.2.2.2")
    assert len(found.conf.searches) == 32
    assert [reason for reason, _ in found.warnings] == ["DNSConfigForming"] * 2
    assert found.warnings[0][1].endswith("the applied nameserver line is: 10.96.0.10 1.1.1.1 2.2.2.2")
    assert found.warnings[1][1].endswith(" d26 d27")
    long = {"searches": ["x" * 60 + str(number) for number in range(28)] + ["y" * 240, "z" * 240]}
    cut = pod_dns(make_pod(dnsPolicy="None", dnsConfig=long), NODE, DNS, "cluster.local")
    assert len(" ".join(cut.conf.searches)) <= 2048
    assert len(cut.conf.searches) == 29


def test_the_node_s_own_settings_may_leave_too_little_room() -> None:
    many = ResolvConf(searches=tuple(f"d{number}" for number in range(30)))
    assert resolv_conf_warning("/x", many, "cluster.local") is not None
    assert resolv_conf_warning("/x", many, "") is None
    assert resolv_conf_warning("/x", ResolvConf(searches=("x" * 2049,)), "") is not None
