"""Docker's description of a container as a `ContainerRecord`. Pure.

The rules are those of the dockershim's ContainerStatus (pkg/kubelet/dockershim/docker_container.go)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kubelet.plan import names
from kubelet.plan.records import ContainerRecord, State


def record_of(info: Mapping[str, Any], image_id: str, message: str = "") -> ContainerRecord:
    """The record of GET /containers/ID/json; `image_id` as the API shows it, `message` its termination message."""
    labels: dict[str, str] = (info.get("Config") or {}).get("Labels") or {}
    created = parse_time(info.get("Created"))
    state, started, finished, reason = _state(info["State"], created)
    sandbox = labels.get(names.CONTAINER_TYPE) == names.TYPE_SANDBOX
    return ContainerRecord(
        id=info["Id"],
        name=labels.get(names.CONTAINER_NAME, ""),
        pod_uid=labels.get(names.POD_UID, ""),
        pod_name=labels.get(names.POD_NAME, ""),
        pod_namespace=labels.get(names.POD_NAMESPACE, ""),
        sandbox=sandbox,
        sandbox_id=labels.get(names.SANDBOX_ID, ""),
        attempt=_attempt(info.get("Name") or "", labels),
        state=state,
        image=(info.get("Config") or {}).get("Image") or "",
        image_id=image_id,
        spec_hash=labels.get(names.CONTAINER_HASH, ""),
        pid=info["State"].get("Pid") or 0,
        created_at=created,
        started_at=started,
        finished_at=finished,
        exit_code=info["State"].get("ExitCode") or 0,
        reason=reason,
        message=message or info["State"].get("Error") or "",
        tty=bool((info.get("Config") or {}).get("Tty")),
        labels=labels,
    )


def _attempt(name: str, labels: Mapping[str, str]) -> int:
    count = labels.get(names.RESTART_COUNT) or name.rpartition("_")[2]
    return int(count) if count.isdigit() else 0


def _state(state: Mapping[str, Any], created: datetime | None) -> tuple[State, datetime | None, datetime | None, str]:
    started, finished = parse_time(state.get("StartedAt")), parse_time(state.get("FinishedAt"))
    if state.get("Running") and not state.get("Restarting"):
        return "running", started, None, ""
    if finished is not None:
        if state.get("OOMKilled"):
            return "exited", started, finished, "OOMKilled"
        return "exited", started, finished, "Completed" if state.get("ExitCode") == 0 else "Error"
    if state.get("ExitCode"):
        return "exited", created, created, "ContainerCannotRun"
    if state.get("Status") in ("created", None):
        return "created", None, None, ""
    return "unknown", started, finished, ""


def parse_time(text: str | None) -> datetime | None:
    """Docker's RFC 3339 time with nanoseconds; None for its zero."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC)


def shown_image_id(image_id: str, digests: tuple[str, ...] | list[str]) -> str:
    """status.imageID: what can be pulled again where Docker knows it, else the local id."""
    return f"docker-pullable://{digests[0]}" if digests else f"docker://{image_id}"
