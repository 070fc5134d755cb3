"""Which container's log is meant, and how much of it.

Pure; the rules are those of validateContainerLogStatus (pkg/kubelet/kubelet_pods.go) and of PodLogOptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apimachinery.objects import Object, name_of, parse_time
from kubelet.plan.records import ContainerRecord, PodRecord


class NoLog(Exception):
    """There is no such log (yet); the text is the answer to the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRequest:
    """The query of a log request."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail: int | None = None
    limit_bytes: int | None = None


def parse_request(query: Mapping[str, str], now: datetime) -> LogRequest:
    """The request that a query string makes; raises ValueError with one line."""
    since: datetime | None = None
    if query.get("sinceTime"):
        since = parse_time(query["sinceTime"])
    if query.get("sinceSeconds"):
        seconds = int(query["sinceSeconds"])
        if seconds < 1:
            raise ValueError("sinceSeconds must be greater than 0")
        since = now.astimezone(UTC) - timedelta(seconds=seconds)
    tail = _number(query, "tailLines", 0)
    limit = _number(query, "limitBytes", 1)
    return LogRequest(
        follow=_true(query, "follow"),
        previous=_true(query, "previous"),
        timestamps=_true(query, "timestamps"),
        since=since,
        tail=tail,
        limit_bytes=limit,
    )


def _true(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _number(query: Mapping[str, str], name: str, minimum: int) -> int | None:
    text = query.get(name)
    if not text or (text == "all" and name == "tailLines"):
        return None
    value = int(text)
    if value < minimum:
        raise ValueError(f"{name} must be greater than or equal to {minimum}")
    return value


def choose_container(pod: Object, seen: PodRecord, name: str, previous: bool) -> ContainerRecord:
    """The container whose log is meant; raises `NoLog`."""
    where = f'container "{name}" in pod "{name_of(pod)}"'
    attempts = [record for record in seen.attempts(name) if record.state != "created"]
    if previous:
        if len(attempts) < 2 and not (attempts and _waiting(pod, name)):
            raise NoLog(f"previous terminated {where} not found")
        return attempts[0] if _waiting(pod, name) and not attempts[0].running else attempts[1]
    if attempts:
        return attempts[0]
    reason = _waiting(pod, name) or "ContainerCreating"
    texts = {
        "ErrImagePull": "image can't be pulled",
        "ImagePullBackOff": "trying and failing to pull image",
    }
    raise NoLog(f"{where} is waiting to start: {texts.get(reason, reason)}")


def _waiting(pod: Object, name: str) -> str:
    status = pod.get("status") or {}
    for field_name in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for container in status.get(field_name) or ():
            if container["name"] == name:
                waiting: dict[str, Any] = (container.get("state") or {}).get("waiting") or {}
                reason: str = waiting.get("reason") or ""
                return reason
    return ""
