"""Flags and the configuration file."""

from __future__ import annotations

from pathlib import Path

import pytest

from component.flags import parse
from proxy.options import ProxyOptions, with_config_file

FILE = """
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /etc/kubernetes/proxy.conf}
clusterCIDR: 10.244.0.0/16
hostnameOverride: from-file
iptables: {masqueradeAll: true, minSyncPeriod: 0s, syncPeriod: 1m0s}
conntrack: {maxPerCore: 0}
nodePortAddresses: [192.168.0.0/16]
"""


def options(*argv: str) -> ProxyOptions:
    return parse(ProxyOptions, argv, program="kube-proxy", description="")


def test_the_guides_flags_are_taken() -> None:
    found = options("--master=http://m:8080", "--hostname-override=n1", "--logtostderr=true", "--log-dir=/tmp", "--v=2")
    assert (found.master, found.hostname_override, found.v) == ("http://m:8080", "n1", 2)


def test_a_configuration_file_stands_for_flags(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(FILE)
    found = with_config_file(options(f"--config={path}"))
    assert found.kubeconfig == "/etc/kubernetes/proxy.conf"
    assert found.cluster_cidr == "10.244.0.0/16"
    assert found.hostname_override == "from-file"
    assert found.masquerade_all
    assert (found.iptables_sync_period, found.iptables_min_sync_period) == (60.0, 1.0)
    assert found.conntrack_max_per_core == 0
    assert found.nodeport_addresses == ("192.168.0.0/16",)
    assert with_config_file(options(f"--config={path}", "--hostname-override=x")).hostname_override == "x"


@pytest.mark.parametrize("text", ["[", "kind: Pod", "kind: KubeProxyConfiguration\niptables: {syncPeriod: never}"])
def test_a_bad_file_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=str(path)):
        with_config_file(options(f"--config={path}"))
