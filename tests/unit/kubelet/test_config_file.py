"""--config and the flags it stands in for."""

from __future__ import annotations

from pathlib import Path

import pytest

from component.flags import parse_args
from kubelet.config_file import ConfigFileError, with_config_file
from kubelet.options import KubeletOptions

FILE = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS: [10.96.0.10]
maxPods: 50
syncFrequency: 1m30s
authentication: {anonymous: {enabled: true}, x509: {clientCAFile: /ca.crt}}
evictionHard: {memory.available: 5%}
registerWithTaints: [{key: a, value: b, effect: NoSchedule}]
unknownField: 1
"""


def write(tmp_path: Path, text: str) -> KubeletOptions:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return KubeletOptions(config=str(path), max_pods=20)


def test_the_file_says_what_the_command_line_does_not(tmp_path: Path) -> None:
    options = with_config_file(write(tmp_path, FILE))
    assert options.max_pods == 20
    assert options.cluster_dns == ("10.96.0.10",)
    assert options.sync_frequency == 90
    assert options.anonymous_auth
    assert options.client_ca_file == "/ca.crt"
    assert options.eviction_hard == "memory.available<5%"
    assert options.register_with_taints == ("a=b:NoSchedule",)


@pytest.mark.parametrize("text", ["kind: Other", "a: [", "kind: KubeletConfiguration\nport: many", ""])
def test_files_that_cannot_be_used(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigFileError, match="failed to load kubelet config file"):
        with_config_file(write(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="No such file"):
        with_config_file(KubeletOptions(config=str(tmp_path / "none")))


def test_old_guides_flags_are_taken() -> None:
    argv = ["--api-servers=http://m:8080", "--pod_infra_container_image=p:1", "--network-plugin=cni", "--v=2"]
    options, notes = parse_args(KubeletOptions, argv, program="kubelet")
    assert len(notes) == 2
    assert (options.api_servers, options.pod_infra_container_image) == ("http://m:8080", "p:1")
