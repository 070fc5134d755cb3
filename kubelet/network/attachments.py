"""Which sandbox has which address and host ports: one small file per sandbox, the IPAM's whole memory.

A file is written (and renamed into place) before the kernel is touched and removed after it was, so a crash at
any moment leaves at worst an address reserved for a sandbox that `PodNetwork.collect` then finds dead."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HostPort:
    """A container port that is also a port of the node; `host_ip` "" means every address of the node."""

    host_port: int
    container_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One sandbox's place in the pod network."""

    sandbox_id: str
    pod_uid: str
    address: str
    host_ports: tuple[HostPort, ...] = field(default=())


class AttachmentStore:
    """The attachments below a directory, read once and then kept in step. Not thread-safe: one owner."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._attachments: dict[str, Attachment] = {}
        self.last_address = ""

    def load(self) -> None:
        """Read what an earlier process left; unreadable files (power lost while writing) are removed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._attachments = {}
        for path in sorted(self._directory.iterdir(), key=lambda path: path.stat().st_mtime_ns):
            try:
                attachment = _decode(json.loads(path.read_bytes()))
            except (ValueError, KeyError, TypeError):
                logger.warning("Removed an unreadable attachment", extra={"path": str(path)})
                path.unlink()
                continue
            if path.name != f"{attachment.sandbox_id}.json":
                path.unlink()  # a write that was not renamed into place
                continue
            self._attachments[attachment.sandbox_id] = attachment
            self.last_address = attachment.address

    def get(self, sandbox_id: str) -> Attachment | None:
        """The sandbox's attachment, if it has one."""
        return self._attachments.get(sandbox_id)

    def all(self) -> list[Attachment]:
        """Every attachment."""
        return list(self._attachments.values())

    def put(self, attachment: Attachment) -> None:
        """Remember; on return it survives the death of this process. Raises OSError."""
        path = self._directory / f"{attachment.sandbox_id}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(attachment)))
        fresh.replace(path)
        self._attachments[attachment.sandbox_id] = attachment
        self.last_address = attachment.address

    def remove(self, sandbox_id: str) -> None:
        """Forget; the address is free from now on."""
        (self._directory / f"{sandbox_id}.json").unlink(missing_ok=True)
        self._attachments.pop(sandbox_id, None)

    def delete(self) -> None:
        """Remove the directory, for good."""
        shutil.rmtree(self._directory)
        self._attachments = {}


def _decode(data: dict[str, Any]) -> Attachment:
    ports = tuple(HostPort(**port) for port in data["host_ports"])
    return Attachment(str(data["sandbox_id"]), str(data["pod_uid"]), str(data["address"]), ports)
