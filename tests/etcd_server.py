"""A real etcd for a test: on free ports, its data in a directory of the test's, killed and started again at will."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

_START_SECONDS = 20.0


@dataclass(frozen=True)
class TlsPair:
    """A CA's certificate, a certificate of its making and the key, as files."""

    cafile: str
    certfile: str
    keyfile: str


class EtcdServer:
    """One member. `url` is where it listens, also after a restart. With `tls` it asks for client certificates."""

    def __init__(self, directory: Path, tls: TlsPair | None = None) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._metrics = f"http://127.0.0.1:{free_port()}"
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{free_port()}"
        self._tls = tls

    def start(self) -> None:
        """Start it and wait until it answers; raises TimeoutError."""
        log = (self._directory / "etcd.log").open("ab")
        self._process = subprocess.Popen(
            [
                "etcd",
                f"--data-dir={self._directory / 'data'}",
                f"--listen-client-urls={self.url}",
                f"--advertise-client-urls={self.url}",
                f"--listen-peer-urls={self._peer}",
                f"--initial-advertise-peer-urls={self._peer}",
                f"--initial-cluster=default={self._peer}",
                f"--listen-metrics-urls={self._metrics}",
                "--log-level=error",
                *self._tls_flags(),
            ],
            stdout=log,
            stderr=log,
        )
        log.close()
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._is_healthy():
                return
            time.sleep(0.05)  # etcd tells nobody when it is ready
        self.kill()
        raise TimeoutError(f"etcd did not start: {(self._directory / 'etcd.log').read_text()[-2000:]}")

    def _tls_flags(self) -> list[str]:
        if self._tls is None:
            return []
        files = (f"--trusted-ca-file={self._tls.cafile}", f"--cert-file={self._tls.certfile}")
        return [*files, f"--key-file={self._tls.keyfile}", "--client-cert-auth"]

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._metrics}/health", timeout=1) as answer:
                return b"true" in answer.read()
        except (urllib.error.URLError, OSError):
            return False
