"""A real etcd for a test: on free ports, its data in a directory of the test's, killed and started again at will."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

_START_SECONDS = 20.0


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class EtcdServer:
    """One member. `url` is where it listens, also after a restart."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._peer = f"http://127.0.0.1:{free_port()}"
        self.url = f"http://127.0.0.1:{free_port()}"

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
                "--log-level=error",
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

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:
                return b"true" in answer.read()
        except (urllib.error.URLError, OSError):
            return False
