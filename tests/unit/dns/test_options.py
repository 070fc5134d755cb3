"""kube-dns's flags, and what is wrong with some values of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dns.options import host_port

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("text", "host", "port"), [("127.0.0.1:8181", "127.0.0.1", 8181), ("[::1]:80", "::1", 80)])
def test_host_and_port(text: str, host: str, port: int) -> None:
    assert host_port(text, "--x") == (host, port)


@pytest.mark.parametrize("text", ["127.0.0.1", "x:80", ":80", "127.0.0.1:70000", "127.0.0.1:"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(ValueError, match=r"^--x: "):
        host_port(text, "--x")


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("--bind-address=0.0.0.0", "must be one address"),
        ("--bind-address=x", "--bind-address"),
        ("--upstream=dns.example.com", "is not an IP address"),
        ("--cluster-domain=-x", "is not a domain"),
        ("--healthz-bind-address=8181", "--healthz-bind-address"),
        ("--allow-from=10.0.0.0/99", "10.0.0.0/99"),
        ("--kubeconfig=/no/such/file", "/no/such/file"),
    ],
)
def test_a_bad_value_ends_it_with_one_line(flag: str, why: str) -> None:
    command = (sys.executable, str(ROOT / "cmd/kube_dns.py"), "--master=http://127.0.0.1:1", flag)
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert why in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
