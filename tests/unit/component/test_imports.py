"""How a daemon is imported, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = """
import gc, os, ssl
from component import imports
with imports.of_daemon():
    from {package}.app import main
assert gc.isenabled()
print(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
import aiohttp.connector
held = [each for each in vars(aiohttp.connector).values() if isinstance(each, ssl.SSLContext)]
assert held
print(sum(each.cert_store_stats()["x509"] for each in held))
"""


@pytest.mark.parametrize("package", ["apiserver", "controller", "scheduler", "kubelet", "proxy", "dns"])
@pytest.mark.parametrize("file", [None, "/etc/own.pem"])
def test_the_systems_authorities_are_not_read_and_stay_as_they_are(package: str, file: str | None) -> None:
    environment = {"PATH": "/usr/bin:/bin"} | ({"SSL_CERT_FILE": file} if file else {})
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(package=package)],
        cwd=_ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == (f"{file} None\n0\n", "")
