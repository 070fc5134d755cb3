"""What of flags, Node and host becomes of the rules' settings."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from component.flags import parse
from proxy.healthz import is_eligible
from proxy.nodesettings import localhost_node_ports, node_settings
from proxy.options import ProxyOptions
from proxy.rules.model import NodeSettings

NODE: Object = {
    "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "a"}},
    "spec": {"podCIDR": "10.244.3.0/24", "podCIDRs": ["10.244.3.0/24", "fd00:244:3::/64"]},
    "status": {
        "addresses": [
            {"type": "Hostname", "address": "n1"},
            {"type": "InternalIP", "address": "192.168.0.1"},
            {"type": "InternalIP", "address": "fd00::1"},
        ]
    },
}
LOCAL = ("127.0.0.1", "192.168.0.1", "10.244.3.1", "192.168.9.1", "::1", "fd00::1")


def settings(*argv: str, node: Object | None = NODE, ipv6: bool = False) -> NodeSettings:
    options = parse(ProxyOptions, argv, program="kube-proxy", description="")
    return node_settings(options, node, LOCAL, ipv6=ipv6)


def test_the_node_gives_zone_and_addresses() -> None:
    assert (settings().zone, settings().node_ips, settings(ipv6=True).node_ips) == ("a", ("192.168.0.1",), ("fd00::1",))
    assert (settings(node=None).zone, settings(node=None).node_ips) == ("", ())
    assert settings("--bind-address=10.0.0.9").node_ips == ("10.0.0.9",)


@pytest.mark.parametrize(
    ("argv", "four", "six"),
    [
        (("--cluster-cidr=10.244.0.0/16",), "-s 10.244.0.0/16", ""),
        (("--cluster-cidr=fd00:244::/56,10.244.0.0/16",), "-s 10.244.0.0/16", "-s fd00:244::/56"),
        (("--detect-local-mode=NodeCIDR",), "-s 10.244.3.0/24", "-s fd00:244:3::/64"),
        (("--detect-local-mode=BridgeInterface", "--pod-bridge-interface=cni0"), "-i cni0", "-i cni0"),
        (("--detect-local-mode=InterfaceNamePrefix", "--pod-interface-name-prefix=veth"), "-i veth+", "-i veth+"),
        ((), "", ""),
    ],
)
def test_how_pods_are_told(argv: tuple[str, ...], four: str, six: str) -> None:
    assert (settings(*argv).from_pod, settings(*argv, ipv6=True).from_pod) == (four, six)


@pytest.mark.parametrize(
    ("ranges", "four", "six"),
    [
        ("", None, None),
        ("192.168.0.0/24", ("192.168.0.1",), None),
        ("192.168.0.0/16,127.0.0.0/8", ("127.0.0.1", "192.168.0.1", "192.168.9.1"), None),
        ("0.0.0.0/0,fd00::/64", None, ("fd00::1",)),
        ("172.16.0.0/12,::1/128", (), ()),
    ],
)
def test_which_addresses_serve_node_ports(
    ranges: str, four: tuple[str, ...] | None, six: tuple[str, ...] | None
) -> None:
    argv = (f"--nodeport-addresses={ranges}",)
    assert settings(*argv).node_port_addresses == four
    assert settings(*argv, ipv6=True).node_port_addresses == six


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        ((), True),
        (("--iptables-localhost-nodeports=false",), False),
        (("--nodeport-addresses=192.168.0.0/16",), False),
        (("--nodeport-addresses=127.0.0.0/8",), True),
        (("--nodeport-addresses=0.0.0.0/0",), True),
    ],
)
def test_whether_localhost_serves(argv: tuple[str, ...], wanted: bool) -> None:
    options = parse(ProxyOptions, argv, program="kube-proxy", description="")
    assert localhost_node_ports(options) is wanted


def test_a_node_that_is_about_to_go_is_not_eligible() -> None:
    assert is_eligible(NODE)
    assert not is_eligible({**NODE, "spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler"}]}})
    assert is_eligible({**NODE, "spec": {"taints": [{"key": "node.kubernetes.io/unschedulable"}]}})
    assert not is_eligible({**NODE, "metadata": {"name": "n1", "deletionTimestamp": "2024-01-01T00:00:00Z"}})
