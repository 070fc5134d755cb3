"""A real etcd for a test: on free ports, its data in a directory of the test's, killed and started again at will; and a
cluster of three."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
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

    def __init__(self, directory: Path, tls: TlsPair | None = None, *, name: str = "default") -> None:
        self.name = name
        self._cluster: Sequence[EtcdServer] = (self,)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._peer = f"http://127.0.0.1:{free_port()}"
        self._metrics = f"http://127.0.0.1:{free_port()}"
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{free_port()}"
        self._tls = tls

    def join(self, members: Sequence[EtcdServer]) -> None:
        """It is to be one of these; before the first start."""
        self._cluster = members

    def start(self) -> None:
        """Start it and wait until it answers; raises TimeoutError."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it: the first members of a cluster wait for each other."""
        log = (self._directory / "etcd.log").open("ab")
        self._process = subprocess.Popen(
            [
                "etcd",
                f"--name={self.name}",
                f"--data-dir={self._directory / 'data'}",
                f"--listen-client-urls={self.url}",
                f"--advertise-client-urls={self.url}",
                f"--listen-peer-urls={self._peer}",
                f"--initial-advertise-peer-urls={self._peer}",
                f"--initial-cluster={','.join(f'{member.name}={member._peer}' for member in self._cluster)}",
                f"--listen-metrics-urls={self._metrics}",
                "--log-level=error",
                *self._tls_flags(),
            ],
            stdout=log,
            stderr=log,
        )
        log.close()

    def wait(self) -> None:
        """Return once it answers, which needs a leader; raises TimeoutError."""
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

    @property
    def is_leader(self) -> bool:
        """Whether it leads its cluster now."""
        return b"\netcd_server_is_leader 1" in self._ask("metrics")

    def _is_healthy(self) -> bool:
        return b"true" in self._ask("health")

    def _ask(self, path: str) -> bytes:
        """What it tells of itself over HTTP; nothing where it does not answer."""
        try:
            with urllib.request.urlopen(f"{self._metrics}/{path}", timeout=1) as answer:
                told: bytes = answer.read()
                return told
        except (urllib.error.URLError, OSError):
            return b""


class EtcdCluster:
    """Three members."""

    def __init__(self, directory: Path, tls: TlsPair | None = None) -> None:
        self.members: list[EtcdServer] = []
        for name in ("m1", "m2", "m3"):
            (directory / name).mkdir()
            self.members.append(EtcdServer(directory / name, tls, name=name))
        for member in self.members:
            member.join(self.members)

    @property
    def urls(self) -> list[str]:
        """Where clients connect."""
        return [member.url for member in self.members]

    def start(self) -> None:
        """Start all; raises TimeoutError."""
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait()

    def leader(self) -> EtcdServer:
        """The member that leads; raises TimeoutError where none does for long."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            for member in self.members:
                if member.is_leader:
                    return member
            time.sleep(0.05)  # an election is told to nobody
        raise TimeoutError("no member of etcd leads")

    def kill(self) -> None:
        """kill -9 of all."""
        for member in self.members:
            member.kill()
