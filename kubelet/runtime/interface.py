"""What the kubelet needs of a container runtime: the protocol, its values and its errors.

`docker.py` is the implementation. Every call has a time limit of its own; all raise `RuntimeUnavailable` while the
runtime does not answer and `RuntimeRefused` with its own words when it says no."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from kubelet.plan.records import ContainerRecord


class RuntimeFailure(Exception):
    """The runtime could not do what was asked; the text is the runtime's own."""


class RuntimeUnavailable(RuntimeFailure):
    """The runtime does not answer (stopped, restarting, hanging)."""


class RuntimeRefused(RuntimeFailure):
    """The runtime answered with an error; `code` is its HTTP status."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class ContainerGone(RuntimeRefused):
    """There is no such container, image or exec (any more)."""


@dataclass(frozen=True, slots=True)
class RuntimeVersion:
    """What the runtime says of itself."""

    name: str  #: "docker"
    version: str
    api_version: str
    cgroup_driver: str
    root_dir: str  #: where images lie


@dataclass(frozen=True, slots=True)
class RuntimeEvent:
    """A container began or ended to run, or is gone."""

    kind: Literal["create", "start", "die", "destroy"]
    container_id: str
    pod_uid: str


@dataclass(frozen=True, slots=True)
class Image:
    """One image that the runtime has."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    user: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """How a command in a container ended."""

    exit_code: int
    output: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Which part of a container's log: see PodLogOptions. `tail` None means all lines."""

    follow: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail: int | None = None


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """What a container uses now."""

    cpu_nanoseconds: int
    memory_usage: int
    memory_working_set: int
    read_at: datetime


class Runtime(Protocol):
    """Containers and images of one node."""

    async def version(self) -> RuntimeVersion:
        """Ask the runtime; also the check that it is alive."""

    async def list_containers(self, known: dict[str, ContainerRecord]) -> list[ContainerRecord]:
        """Every container that is ours; records in `known` that cannot have changed are taken from there."""

    async def inspect(self, container_id: str) -> ContainerRecord | None:
        """One container; None when it is gone or not ours."""

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """What happens to our containers from now on; ends by `RuntimeUnavailable`."""

    async def create(self, name: str, config: dict[str, Any]) -> str:
        """Create a container; its id. A leftover of the same name that never ran is replaced."""

    async def start(self, container_id: str) -> None:
        """Start a created container."""

    async def stop(self, container_id: str, grace_seconds: float) -> None:
        """Send the image's stop signal, after the grace SIGKILL; returns when it has ended. A gone one is fine."""

    async def kill(self, container_id: str) -> None:
        """SIGKILL; a container that does not run is fine."""

    async def remove(self, container_id: str) -> None:
        """Remove the container, running or not; a gone one is fine."""

    async def exec(self, container_id: str, command: Sequence[str], timeout_seconds: float) -> ExecResult:
        """Run a command in the container and wait; raises TimeoutError."""

    def logs(self, container_id: str, tty: bool, options: LogOptions) -> AsyncIterator[bytes]:
        """The container's output, both streams together."""

    async def stats(self, container: ContainerRecord) -> ContainerStats | None:
        """What the container uses; None when it does not run."""

    async def disk_paths(self, container_id: str) -> tuple[str, ...] | None:
        """Where the container's own files and its logs lie on this machine; None when it is gone."""

    async def image(self, reference: str) -> Image | None:
        """The image of that name or id; None when it is not there."""

    async def list_images(self) -> list[Image]:
        """All images."""

    async def used_image_ids(self) -> set[str]:
        """The images of all containers, those of others too."""

    async def pull(self, reference: str, auth: str = "") -> None:
        """Pull an image; `auth` is the base64 of Docker's AuthConfig. A pull without progress for a minute is
        given up. Raises `RuntimeRefused` with the registry's words."""

    async def import_image(self, archive: bytes, name: str, tag: str, changes: Sequence[str]) -> None:
        """Make an image of one layer out of a tar archive."""

    async def remove_image(self, image_id: str) -> None:
        """Remove an image and its tags; a gone one is fine."""
