"""Certificates with their keys as files of --cert-dir: one per renewal, and kubelet-NAME-current.pem that links to the
newest. What is written is whole: the link moves only after the file is on the disk."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path


class CertificateStore:
    """The files of one purpose. Blocking: call it in a thread."""

    def __init__(self, directory: Path, purpose: str) -> None:
        self._directory = directory.absolute()  # links and kubeconfig files name it
        self._prefix = f"kubelet-{purpose}"

    @property
    def current(self) -> Path:
        """The link; it may not exist yet."""
        return self._directory / f"{self._prefix}-current.pem"

    def read(self) -> bytes:
        """Certificate and key (PEM), or b"" where there are none. Raises OSError."""
        try:
            return self.current.read_bytes()
        except FileNotFoundError:
            return b""

    def write(self, certificate: bytes, key: bytes, now: datetime) -> None:
        """Keep both in a new file and make it the current one. Raises OSError."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o755)
        target = self._directory / f"{self._prefix}-{now:%Y-%m-%d-%H-%M-%S}.pem"
        write_private(target, certificate.rstrip(b"\n") + b"\n" + key)
        link = self._directory / f"{self._prefix}-current.pem.new"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        link.replace(self.current)

    def pending(self) -> tuple[bytes, bytes] | None:
        """(key, request) of a request that has not been answered yet, so that the next start asks for the same."""
        try:
            return self._pending("key").read_bytes(), self._pending("csr").read_bytes()
        except FileNotFoundError:
            return None

    def keep_pending(self, key: bytes, request: bytes) -> None:
        """Keep both until `forget_pending`. Raises OSError."""
        write_private(self._pending("csr"), request)
        write_private(self._pending("key"), key)

    def forget_pending(self) -> None:
        """The request was answered."""
        for part in ("key", "csr"):
            self._pending(part).unlink(missing_ok=True)

    def _pending(self, part: str) -> Path:
        return self._directory / f"{self._prefix}.{part}.tmp"


def write_private(path: Path, content: bytes) -> None:
    """The whole file or none of it, readable by its owner alone. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
