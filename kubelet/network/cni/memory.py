"""What was run for which sandbox: one file each, so that DEL gets what ADD was given and answered, across restarts.

A file is there before the first plugin runs and goes after the last DEL: whatever happens in between, the next kubelet
knows what to undo. Its fields are those of libcni's cache."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubelet.network.cni.config import ConfigError, NetworkList, parse_list

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """One sandbox on one network. `result` None: ADD has not ended, or failed."""

    sandbox_id: str
    pod_uid: str
    network: NetworkList
    namespace: str  #: /proc/PID/ns/net
    namespace_inode: int  #: a PID may be another process's by the time of DEL
    arguments: str
    capability_args: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None


class RunMemory:
    """The runs below a directory. Not thread-safe: one owner. Methods that write block and raise OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._runs: dict[str, Run] = {}

    def load(self) -> None:
        """Read what an earlier process left; what cannot be read (power lost while writing) is removed."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._runs = {}
        for path in self._directory.iterdir():
            try:
                run = _decode(json.loads(path.read_bytes()))
            except (ValueError, KeyError, TypeError, ConfigError) as error:
                logger.warning("Removed an unreadable file", extra={"path": str(path), "error": str(error)})
                path.unlink()
                continue
            if path.name == f"{run.sandbox_id}.json":
                self._runs[run.sandbox_id] = run
            else:
                path.unlink()  # a write that was not renamed into place

    def get(self, sandbox_id: str) -> Run | None:
        """What was run for the sandbox."""
        return self._runs.get(sandbox_id)

    def all(self) -> list[Run]:
        """Every run."""
        return list(self._runs.values())

    def put(self, run: Run) -> None:
        """Remember; on return it survives the death of this process."""
        path = self._directory / f"{run.sandbox_id}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(_encode(run)))
        fresh.replace(path)
        self._runs[run.sandbox_id] = run

    def remove(self, sandbox_id: str) -> None:
        """Forget."""
        (self._directory / f"{sandbox_id}.json").unlink(missing_ok=True)
        self._runs.pop(sandbox_id, None)

    def delete(self) -> None:
        """Remove the directory, which is empty."""
        self._directory.rmdir()


def _encode(run: Run) -> dict[str, Any]:
    return {
        "containerId": run.sandbox_id,
        "podUid": run.pod_uid,
        "config": run.network.to_json(),
        "netns": run.namespace,
        "netnsInode": run.namespace_inode,
        "cniArgs": run.arguments,
        "capabilityArgs": dict(run.capability_args),
        "result": None if run.result is None else dict(run.result),
    }


def _decode(data: dict[str, Any]) -> Run:
    result = data["result"]
    if result is not None and not isinstance(result, dict):
        raise TypeError("result is no object")
    return Run(
        sandbox_id=str(data["containerId"]),
        pod_uid=str(data["podUid"]),
        network=parse_list(data["config"]),
        namespace=str(data["netns"]),
        namespace_inode=int(data["netnsInode"]),
        arguments=str(data["cniArgs"]),
        capability_args=dict(data["capabilityArgs"]),
        result=result,
    )
