"""Kubeconfig files, and one line for each that is no good."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest

from client.kubeconfig import load
from component.selfsigned import self_signed


def write(folder: Path, text: str) -> str:
    path = folder / "config"
    path.write_text(text)
    return str(path)


def kubeconfig(cluster: str, user: str = "{token: t}") -> str:
    return f"""
apiVersion: v1
kind: Config
current-context: main
contexts: [{{name: main, context: {{cluster: c, user: u}}}}, {{name: broken, context: {{cluster: none}}}}]
clusters: [{{name: c, cluster: {cluster}}}]
users: [{{name: u, user: {user}}}]
"""


def test_master_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(master="127.0.0.1:8080").server == "http://127.0.0.1:8080"
    assert load(master="http://m:8080/").server == "http://m:8080"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ValueError, match="no configuration has been provided"):
        load()


def test_a_certificate_inline_and_files_beside_the_kubeconfig(tmp_path: Path) -> None:
    certificate, key = self_signed("me", ["localhost"])
    (tmp_path / "ca.crt").write_bytes(certificate)
    inline = base64.b64encode(certificate).decode(), base64.b64encode(key).decode()
    user = f"{{client-certificate-data: {inline[0]}, client-key-data: {inline[1]}}}"
    config = load(write(tmp_path, kubeconfig("{server: 'https://h:6443', certificate-authority: ca.crt}", user)))
    assert config.ssl_context is not None
    assert config.ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert len(config.ssl_context.get_ca_certs()) == 1


def test_insecure_and_overridden(tmp_path: Path) -> None:
    text = kubeconfig("{server: 'https://h:6443', insecure-skip-tls-verify: true, tls-server-name: other}")
    config = load(write(tmp_path, text), master="https://elsewhere")
    assert (config.server, config.token, config.server_hostname) == ("https://elsewhere", "t", "other")
    assert config.ssl_context is not None
    assert config.ssl_context.verify_mode is ssl.CERT_NONE


@pytest.mark.parametrize(
    ("text", "context", "problem"),
    [
        ("", "", "is empty or not a mapping"),
        ("a: [", "", "is not YAML"),
        ("kind: Config", "", "has no current-context"),
        (kubeconfig("{}"), "", "the cluster has no server"),
        (kubeconfig("{server: 'ftp://h'}"), "", "must begin with http"),
        (kubeconfig("{server: 'https://h'}"), "none", 'context "none" does not exist'),
        (kubeconfig("{server: 'https://h'}"), "broken", 'cluster "none" does not exist'),
        (
            kubeconfig("{server: 'https://h', certificate-authority: absent.crt}"),
            "",
            "cannot read certificate-authority",
        ),
        (kubeconfig("{server: 'https://h', certificate-authority-data: bm8=}"), "", "not a PEM certificate"),
    ],
)
def test_what_is_wrong(tmp_path: Path, text: str, context: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as raised:
        load(write(tmp_path, text), context=context)
    assert "\n" not in str(raised.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read kubeconfig"):
        load(str(tmp_path / "absent"))
