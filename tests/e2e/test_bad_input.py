"""Bad manifests and bad command lines: a clear error, and nothing changed."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.e2e.cluster import DAEMONS, Kubectl
from tests.kubectl import ROOT

BIN = ROOT / ".venv/bin"
SCRIPTS = {name: name.replace("-", "_") for name in DAEMONS} | {"kubelet": "kubelet_daemon"}

INVALID = {
    "a selector that does not match": (
        '{"apiVersion":"v1","kind":"ReplicationController","metadata":{"name":"bad"},"spec":{"selector":{"a":"b"},'
        '"template":{"metadata":{"labels":{"a":"c"}},"spec":{"containers":[{"name":"x","image":"y"}]}}}}',
        'The ReplicationController "bad" is invalid: spec.template.metadata.labels: Invalid value: '
        'map[string]string{"a":"c"}: `selector` does not match template `labels`',
    ),
    "a port out of range": (
        '{"apiVersion":"v1","kind":"Service","metadata":{"name":"bad"},"spec":{"ports":[{"port":70000,"targetPort":80}]}}',
        'The Service "bad" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, '
        "inclusive",
    ),
    "a node port out of range": (
        '{"apiVersion":"v1","kind":"Service","metadata":{"name":"bad"},"spec":{"type":"NodePort",'
        '"ports":[{"port":80,"nodePort":80}]}}',
        'The Service "bad" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid '
        "range. The range of valid ports is 30000-32767",
    ),
    "no containers": (
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"bad"},"spec":{}}',
        'The Pod "bad" is invalid: spec.containers: Required value',
    ),
    "an upper-case name": (
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad"}}',
        'The ConfigMap "Bad" is invalid: metadata.name: Invalid value: "Bad": a lowercase RFC 1123 subdomain '
        "must consist of",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_invalid_manifests_are_refused_and_change_nothing(kubectl: Kubectl, case: str) -> None:
    manifest, text = INVALID[case]
    assert text in kubectl.fails("create", "--validate=false", "-f", "-", input=manifest)
    names = kubectl("get", "rc,svc,pod,cm", "-o", "name").split()
    assert not [name for name in names if name.lower().endswith("/bad")]


def _daemon(name: str, *arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a daemon of this checkout to its end."""
    return subprocess.run(
        [str(BIN / "python"), str(ROOT / "cmd" / f"{SCRIPTS[name]}.py"), *arguments],
        capture_output=True, text=True, timeout=timeout, cwd=ROOT, check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/root"},
    )  # fmt: skip


@pytest.mark.parametrize("name", DAEMONS)
def test_an_unknown_flag_ends_the_daemon(name: str) -> None:
    done = _daemon(name, "--no-such-flag=1")
    assert done.returncode == 1
    assert "unknown flag: --no-such-flag" in done.stderr


@pytest.mark.parametrize("name", DAEMONS)
def test_help_and_version(name: str) -> None:
    assert _daemon(name, "--version").stdout.startswith("Kubernetes v1.28")
    assert "--kubeconfig" in (shown := _daemon(name, "--help").stdout) or name == "kube-apiserver", shown


def test_an_api_server_whose_port_is_taken_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _daemon(
            "kube-apiserver", "--storage-backend=sqlite", f"--sqlite-path={tmp_path}/store", "--bind-address=127.0.0.1",
            f"--secure-port={port}", f"--cert-dir={tmp_path}",
        )  # fmt: skip
    assert done.returncode == 1
    assert "address already in use" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_api_server_without_etcd_says_so(tmp_path: Path) -> None:
    with socket.socket() as unused, socket.socket() as serving:
        unused.bind(("127.0.0.1", 0))
        serving.bind(("127.0.0.1", 0))
        port, secure_port = unused.getsockname()[1], serving.getsockname()[1]
    done = _daemon(
        "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{port}", "--bind-address=127.0.0.1",
        f"--secure-port={secure_port}",
        f"--cert-dir={tmp_path}", timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
