"""What Docker says of a pod's containers, as plain values; the only thing the plans know of the runtime. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

State = Literal["created", "running", "exited", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """One container or sandbox (`sandbox` is then True and `name` "POD"), as the runtime last reported it."""

    id: str
    name: str
    pod_uid: str
    pod_name: str = ""
    pod_namespace: str = ""
    sandbox: bool = False
    sandbox_id: str = ""
    attempt: int = 0
    state: State = "created"
    image: str = ""
    image_id: str = ""
    spec_hash: str = ""
    pid: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    tty: bool = False
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class PodRecord:
    """All that the runtime has of one pod. `sandboxes` and each container's attempts are newest first."""

    uid: str
    sandboxes: tuple[ContainerRecord, ...] = ()
    containers: tuple[ContainerRecord, ...] = ()

    @property
    def sandbox(self) -> ContainerRecord | None:
        """The newest sandbox, running or not."""
        return self.sandboxes[0] if self.sandboxes else None

    def attempts(self, name: str) -> list[ContainerRecord]:
        """The records of one container, newest first."""
        return [record for record in self.containers if record.name == name]

    def latest(self, name: str) -> ContainerRecord | None:
        """The newest record of one container."""
        return next((record for record in self.containers if record.name == name), None)

    @property
    def running(self) -> list[ContainerRecord]:
        """The containers (not sandboxes) that run."""
        return [record for record in self.containers if record.running]


def pod_record(uid: str, records: Iterable[ContainerRecord]) -> PodRecord:
    """Order the records of one pod."""
    found = sorted(records, key=_age, reverse=True)
    return PodRecord(uid, tuple(r for r in found if r.sandbox), tuple(r for r in found if not r.sandbox))


def _age(record: ContainerRecord) -> tuple[int, float]:
    return record.attempt, record.created_at.timestamp() if record.created_at else 0.0
