"""What plugins are told of a pod, what they answer, and how they fail."""

from __future__ import annotations

from typing import Any

import pytest

from kubelet.network.attachments import HostPort
from kubelet.network.cni.arguments import capability_args, cni_args
from kubelet.network.cni.invoke import failure
from kubelet.network.cni.result import host_links, pod_address
from kubelet.network.errors import NetworkError
from kubelet.network.sandbox_request import EGRESS, INGRESS, SandboxRequest

INTERFACES = [{"name": "br0"}, {"name": "veth1", "sandbox": ""}, {"name": "eth0", "sandbox": "/proc/7/ns/net"}]


def request(**more: Any) -> SandboxRequest:
    return SandboxRequest("s1", 7, "u1", "shop", "web", **more)


def test_names_of_the_pod() -> None:
    assert cni_args(request()) == (
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=s1;K8S_POD_UID=u1"
    )


def test_capabilities() -> None:
    told = request(
        host_ports=(HostPort(8080, 80, "TCP", "127.0.0.1"),), annotations={INGRESS: "10M"},
        dns={"servers": ("10.96.0.10",), "searches": (), "options": ("ndots:5",)},
    )  # fmt: skip
    assert capability_args(told, "10.244.1.0/24") == {
        "portMappings": [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp", "hostIP": "127.0.0.1"}],
        "bandwidth": {"ingressRate": 10_000_000, "ingressBurst": 2147483647},
        "ipRanges": [[{"subnet": "10.244.1.0/24"}]],
        "dns": {"servers": ["10.96.0.10"], "options": ["ndots:5"]},
    }
    assert capability_args(request(), "") == {"portMappings": []}


@pytest.mark.parametrize(("rate", "complaint"), [("1", "small"), ("2P", "large"), ("fast", "quantities must match")])
def test_a_bandwidth_that_is_none(rate: str, complaint: str) -> None:
    with pytest.raises(NetworkError, match=f"failed to get pod bandwidth from annotations: .*{complaint}"):
        capability_args(request(annotations={EGRESS: rate}), "")


@pytest.mark.parametrize(
    ("result", "address"),
    [
        ({"ips": [{"version": "4", "address": "10.1.0.5/16", "interface": 2}], "interfaces": INTERFACES}, "10.1.0.5"),
        ({"ips": [{"address": "10.1.0.1/16", "interface": 0}, {"address": "10.1.0.5/16", "interface": 2}],
          "interfaces": INTERFACES}, "10.1.0.5"),
        ({"ips": [{"address": "fd00::5/64"}, {"address": "10.1.0.5/16"}]}, "10.1.0.5"),
        ({"ips": [{"address": "fd00::5/64"}]}, "fd00::5"),
        ({"ip4": {"ip": "10.1.0.5/16"}}, "10.1.0.5"),
        ({"ips": [{"address": "x"}, 7]}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_address_of_the_pod(result: dict[str, Any], address: str) -> None:
    assert pod_address(result) == address


def test_the_links_on_the_nodes_side() -> None:
    assert host_links({"interfaces": INTERFACES}) == {"br0", "veth1"}


@pytest.mark.parametrize(
    ("output", "complaint", "text"),
    [
        (b'{"code": 11, "msg": "no addresses", "details": "range set: 10.1.0.0/30"}', b"",
         "no addresses; range set: 10.1.0.0/30"),
        (b'{"code": 7, "msg": "bad"}', b"noise", "bad"),
        (b"", b"no such thing\n", 'netplugin failed: "no such thing"'),
        (b"", b"", "netplugin failed with no error message: exit status 3"),
        (b"oops", b"", 'netplugin failed but error parsing its diagnostic message "oops"'),
        (b"[]", b"", 'netplugin failed but error parsing its diagnostic message "[]"'),
    ],
)  # fmt: skip
def test_what_a_plugin_that_fails_says(output: bytes, complaint: bytes, text: str) -> None:
    assert failure(3, output, complaint) == text
