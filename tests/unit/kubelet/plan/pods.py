"""Pods and records for the tests of the plans."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery.objects import Object
from kubelet.plan.names import spec_hash
from kubelet.plan.records import ContainerRecord, PodRecord, State, pod_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def container(name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "nginx", **fields}


def make_pod(*containers: dict[str, Any], status: dict[str, Any] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns", "uid": "u1"},
        "spec": {"containers": list(containers) or [container()], "restartPolicy": "Always", **spec},
        "status": status or {},
    }


def sandbox(state: State = "running", attempt: int = 0) -> ContainerRecord:
    return ContainerRecord(
        id=f"s{attempt}", name="POD", pod_uid="u1", sandbox=True, attempt=attempt, state=state, created_at=T0
    )


def record(
    name: str = "web", state: State = "running", exit_code: int = 0, attempt: int = 0, **fields: Any
) -> ContainerRecord:
    ended = state == "exited"
    reason = ("Completed" if exit_code == 0 else "Error") if ended else ""
    values: dict[str, Any] = {
        "id": f"{name}-{attempt}", "name": name, "pod_uid": "u1", "attempt": attempt, "state": state,
        "exit_code": exit_code, "spec_hash": spec_hash(container(name)), "image": "nginx:latest",
        "image_id": "docker://sha256:1", "created_at": T0 + timedelta(seconds=attempt), "started_at": T0,
        "finished_at": T0 if ended else None, "reason": reason,
    }  # fmt: skip
    return ContainerRecord(**{**values, **fields})


def seen(*records: ContainerRecord) -> PodRecord:
    return pod_record("u1", records)
