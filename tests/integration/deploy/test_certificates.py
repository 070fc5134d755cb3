"""deploy/system/certificates.sh: what each machine of a cluster is given, checked with openssl itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
SCRIPT = DEPLOY / "system/certificates.sh"
HOSTS = ("master=192.0.2.1", "node1=192.0.2.2")


def make(folder: Path, *hosts: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SCRIPT), str(folder), *hosts], capture_output=True, text=True, check=False)


def openssl(*arguments: str) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def fingerprint(certificate: Path) -> str:
    return openssl("x509", "-in", str(certificate), "-noout", "-fingerprint")


def test_every_certificate_is_signed_by_the_one_authority(tmp_path: Path) -> None:
    assert make(tmp_path, *HOSTS).returncode == 0
    authority = str(tmp_path / "master/pki/ca.crt")
    certificates = sorted(set(tmp_path.glob("*/pki/*.crt")) - set(tmp_path.glob("*/pki/front-proxy-*.crt")))
    assert {"apiserver.crt", "kubelet.crt", "kube-proxy.crt", "admin.crt"} <= {path.name for path in certificates}
    for certificate in certificates:
        openssl("verify", "-CAfile", authority, str(certificate))


def test_only_the_front_proxy_is_signed_by_its_own_authority(tmp_path: Path) -> None:
    """Other API servers believe whom its owner says that he speaks for: no user's certificate may pass for it."""
    make(tmp_path, *HOSTS)
    pki = tmp_path / "master/pki"
    proxy = str(pki / "front-proxy-client.crt")
    openssl("verify", "-CAfile", str(pki / "front-proxy-ca.crt"), "-purpose", "sslclient", proxy)
    assert openssl("x509", "-in", proxy, "-noout", "-subject").split("=")[-1].strip() == "front-proxy-client"
    for name, authority in (("front-proxy-client", "ca"), ("admin", "front-proxy-ca")):
        with pytest.raises(subprocess.CalledProcessError):
            openssl("verify", "-CAfile", str(pki / f"{authority}.crt"), str(pki / f"{name}.crt"))


def test_the_api_server_is_given_only_files_that_are_made(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    flags = (DEPLOY / "systemd/environment/apiserver").read_text()
    named = set(re.findall(r"=/etc/kubernetes/pki/(\S+)", flags))
    assert {"apiserver.crt", "front-proxy-ca.crt", "front-proxy-client.key"} <= named
    assert named <= {path.name for path in (tmp_path / "master/pki").iterdir()}


def install(folder: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """install_certificates as master.sh runs it."""
    script = f"""
        set -euo pipefail
        . {DEPLOY}/lib/settings.sh
        . {DEPLOY}/lib/environment.sh
        SELF_NAME=master SELF_ADDRESS=192.0.2.1
        install_certificates {folder}
    """
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "MK_CONFIG": str(config)}
    return subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)


def test_a_master_is_not_given_what_its_api_server_would_not_start_with(tmp_path: Path) -> None:
    made, config = tmp_path / "made", tmp_path / "config"
    make(made, *HOSTS)
    (made / "master/pki/front-proxy-client.crt").unlink()
    done = install(made / "master", config)
    assert done.returncode == 1
    assert "run certificates.sh again" in done.stderr
    assert not config.exists()
    make(made, *HOSTS)
    assert install(made / "master", config).returncode == 0
    assert (config / "pki/front-proxy-client.crt").exists()


def test_a_node_gets_neither_the_authority_nor_what_administers(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    names = {path.name for path in (tmp_path / "node1").rglob("*")}
    assert not names & {"ca.key", "sa.key", "admin.conf", "admin.key", "apiserver.key", "controller-manager.conf"}
    assert not [name for name in names if name.startswith("front-proxy")]
    assert {"ca.crt", "kubelet.conf", "kube-proxy.conf"} <= names


def test_names_and_addresses_are_in_the_certificates(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    kubelet = openssl("x509", "-in", str(tmp_path / "node1/pki/kubelet.crt"), "-noout", "-subject")
    assert "system:nodes" in kubelet
    assert "system:node:node1" in kubelet
    server = openssl("x509", "-in", str(tmp_path / "master/pki/apiserver.crt"), "-noout", "-ext", "subjectAltName")
    for name in (
        "DNS:kubernetes.default.svc.cluster.local",
        "DNS:master",
        "IP Address:192.0.2.1",
        "IP Address:10.96.0.1",
    ):
        assert name in server
    assert "https://192.0.2.1:6443" in (tmp_path / "node1/kubelet.conf").read_text()


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    for path in [*tmp_path.rglob("*.key"), *tmp_path.rglob("*.conf")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_again_keeps_what_is_there_and_adds_the_new_machine(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    before = {path: fingerprint(path) for path in tmp_path.glob("*/pki/*.crt")}
    assert make(tmp_path, *HOSTS, "node2=192.0.2.3").returncode == 0
    assert {path: fingerprint(path) for path in before} == before
    assert (tmp_path / "node2/pki/kubelet.crt").exists()


def test_a_changed_address_makes_the_serving_certificates_anew(tmp_path: Path) -> None:
    make(tmp_path, *HOSTS)
    serving, authority = tmp_path / "node1/pki/kubelet-server.crt", tmp_path / "master/pki/ca.crt"
    before = fingerprint(serving), fingerprint(authority)
    make(tmp_path, HOSTS[0], "node1=192.0.2.9")
    assert fingerprint(serving) != before[0]
    assert fingerprint(authority) == before[1]
    assert "192.0.2.9" in openssl("x509", "-in", str(serving), "-noout", "-ext", "subjectAltName")


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        (["Node1=192.0.2.1"], "lower-case"),
        (["node_1=192.0.2.1"], "lower-case"),
        (["node1"], "NAME=ADDRESS"),
        (["node1=192.0.2.256"], "not an IPv4 address"),
        (["node1=192.0.2"], "not an IPv4 address"),
        (["node1=192.0.2.1", "node1=192.0.2.2"], "given twice"),
        (["node1=192.0.2.1", "node2=192.0.2.1"], "given twice"),
        ([], "no machines given"),
    ],
)
def test_wrong_machines_are_refused_and_nothing_is_made(tmp_path: Path, hosts: list[str], problem: str) -> None:
    done = make(tmp_path / "out", *hosts)
    assert done.returncode == 1
    assert problem in done.stderr
    assert not (tmp_path / "out").exists()
