"""Whether a cron job makes a job now, and which of its old jobs go. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from api.resources import CRON_JOBS, JOBS
from apimachinery.objects import Object, deep_copy, format_time, is_deleting, name_of, namespace_of, parse_time, uid_of
from controller.cronjob.schedule import Schedule, latest_due
from controller.job.plan import finished
from controller.ownership import controller_reference

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@dataclass(slots=True)
class Plan:
    """What to do now. `create_for`: the due time; `events` are (type, reason, message)."""

    create_for: datetime | None = None
    replace: list[Object] = field(default_factory=list)  #: jobs to delete first
    expired: list[Object] = field(default_factory=list)  #: finished jobs beyond the history limits
    events: list[tuple[str, str, str]] = field(default_factory=list)
    next_time: datetime | None = None


def plan(cron: Object, jobs: Sequence[Object], schedule: Schedule, now: datetime) -> Plan:
    """Decide for one cron job and the jobs it controls."""
    spec, status = cron["spec"], cron.get("status") or {}
    out = Plan(expired=expired(spec, jobs), next_time=schedule.after(now))
    if spec.get("suspend") or is_deleting(cron):
        return out
    since = parse_time(status.get("lastScheduleTime") or cron["metadata"]["creationTimestamp"])
    deadline = spec.get("startingDeadlineSeconds")
    if deadline is not None:
        since = max(since, now - timedelta(seconds=deadline))
    due = latest_due(schedule, since, now)
    if due is None or any(name_of(job) == job_name(cron, due) for job in jobs):
        return out
    active = [job for job in jobs if not finished(job)]
    policy = spec.get("concurrencyPolicy") or "Allow"
    if policy == "Forbid" and active:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        out.events.append(("Normal", "JobAlreadyActive", text))
        return out
    if policy == "Replace":
        out.replace = [job for job in active if not is_deleting(job)]
    out.create_for = due
    return out


def expired(spec: Object, jobs: Sequence[Object]) -> list[Object]:
    """Finished jobs beyond successfulJobsHistoryLimit and failedJobsHistoryLimit, the oldest."""
    out: list[Object] = []
    for type, key, default in (("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)):
        limit = default if spec.get(key) is None else spec[key]
        ended = sorted((job for job in jobs if finished(job) == type and not is_deleting(job)), key=_started)
        out += ended[: max(len(ended) - limit, 0)]
    return out


def _started(job: Object) -> tuple[str, str]:
    return (job.get("status") or {}).get("startTime") or "", name_of(job)


def job_name(cron: Object, due: datetime) -> str:
    """The same for the same due time: two controllers cannot make two jobs of one."""
    return f"{name_of(cron)}-{int(due.timestamp()) // 60}"


def job_for(cron: Object, due: datetime) -> Object:
    """The job of one due time."""
    template = cron["spec"]["jobTemplate"]
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": job_name(cron, due),
            "namespace": namespace_of(cron),
            "labels": dict(metadata.get("labels") or {}),
            "annotations": {**(metadata.get("annotations") or {}), SCHEDULED_AT: format_time(due)},
            "ownerReferences": [controller_reference(cron, CRON_JOBS)],
        },
        "spec": deep_copy(template["spec"]),
    }


def status(cron: Object, jobs: Sequence[Object], made: Object | None, due: datetime | None) -> Object:
    """The status to write: running jobs, the last due time, the last success."""
    old = cron.get("status") or {}
    out: Object = {key: old[key] for key in ("lastScheduleTime", "lastSuccessfulTime") if old.get(key)}
    running = [job for job in jobs if not finished(job)]
    if made is not None and all(uid_of(job) != uid_of(made) for job in running):
        running.append(made)
    if running:
        out["active"] = [_reference(job) for job in sorted(running, key=name_of)]
    if due is not None:
        out["lastScheduleTime"] = format_time(due)
    ends = [(job.get("status") or {}).get("completionTime") for job in jobs if finished(job) == "Complete"]
    latest = max(filter(None, [*ends, out.get("lastSuccessfulTime")]), default=None)
    if latest:
        out["lastSuccessfulTime"] = latest
    return out


def _reference(job: Object) -> Object:
    metadata = job["metadata"]
    return {
        "kind": JOBS.kind,
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": JOBS.api_version,
        "resourceVersion": metadata.get("resourceVersion"),
    }
