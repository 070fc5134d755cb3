"""How many pods of a job to run next, and how its pods are counted. Pure.

A pod that has ended is counted in two steps, so that a crash in between neither forgets it nor counts it twice: its uid
goes into status.uncountedTerminatedPods while its finalizer still keeps it, then the finalizer goes, then the number
takes the uid's place (pkg/controller/job)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from apimachinery.objects import (
    Object,
    annotations_of,
    deep_copy,
    format_time,
    is_deleting,
    name_of,
    parse_time,
    uid_of,
)
from controller import pods
from controller.conditions import find
from controller.job.failures import FAILURE_TARGET, REASON, judge

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS = 10, 360
_BURST = 500


@dataclass(slots=True)
class Counts:
    """Where the job stands, the pods that have just ended included."""

    active: list[Object] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    indexes: set[int] = field(default_factory=set)  #: completed ones
    uncounted_succeeded: list[str] = field(default_factory=list)
    uncounted_failed: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)  #: uids whose finalizer has gone: numbers from now on
    release: list[Object] = field(default_factory=list)  #: pods whose finalizer may go
    ready: int = 0
    last_failure: datetime | None = None
    doom: str = ""  #: why the job fails at once: the message of the rule of its podFailurePolicy


def is_indexed(job: Object) -> bool:
    """Whether every completion has its own index."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def is_tracked(pod: Object) -> bool:
    """Whether the pod is kept until it is counted."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def index_of(pod: Object) -> int | None:
    """The pod's completion index."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdigit() else None


def parse_indexes(text: str) -> set[int]:
    """ "1,3-5" as numbers."""
    out: set[int] = set()
    for part in filter(None, (text or "").split(",")):
        first, _, last = part.partition("-")
        out.update(range(int(first), int(last or first) + 1))
    return out


def format_indexes(indexes: Iterable[int]) -> str:
    """Numbers as "1,3-5"."""
    runs: list[list[int]] = []
    for number in sorted(indexes):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = []
    for first, last in runs:
        texts.append(str(first) if first == last else f"{first}{',' if last == first + 1 else '-'}{last}")
    return ",".join(texts)


def count(job: Object, own: Sequence[Object]) -> Counts:
    """Count the job's pods. Those that someone else deletes have failed; where a podFailurePolicy will have to judge
    them, they are waited for until they have ended."""
    status = job.get("status") or {}
    uncounted = status.get("uncountedTerminatedPods") or {}
    before_succeeded, before_failed = set(uncounted.get("succeeded") or ()), set(uncounted.get("failed") or ())
    out = Counts(
        succeeded=(status.get("succeeded") or 0), failed=(status.get("failed") or 0),
        indexes=parse_indexes(status.get("completedIndexes") or ""),
    )  # fmt: skip
    kept: set[str] = set()
    limit = job["spec"].get("completions") or 0
    for pod in own:
        phase = pods.phase(pod)
        if phase == "Failed":
            out.last_failure = _later(out.last_failure, finished_at(pod))
        if not pods.is_finished(pod) and not is_deleting(pod):
            out.active.append(pod)
            out.ready += pods.is_ready(pod)
            continue
        if not is_tracked(pod):
            continue
        if not pods.is_finished(pod) and job["spec"].get("podFailurePolicy"):
            continue
        uid = uid_of(pod)
        kept.add(uid)
        out.release.append(pod)
        index = index_of(pod)
        if phase == "Succeeded":
            if not is_indexed(job):
                out.uncounted_succeeded.append(uid)
            elif index is not None and index < limit:
                out.indexes.add(index)
        else:
            judgement = judge(job, pod)
            if judgement.action == "FailJob":
                out.doom = out.doom or judgement.message
            if judgement.action != "Ignore":
                out.uncounted_failed.append(uid)
    out.settled = sorted((before_succeeded | before_failed) - kept)
    out.succeeded += len(before_succeeded - kept)
    out.failed += len(before_failed - kept)
    return out


def totals(job: Object, counts: Counts) -> tuple[int, int]:
    """(succeeded, failed), those not yet settled included."""
    succeeded = len(counts.indexes) if is_indexed(job) else counts.succeeded + len(counts.uncounted_succeeded)
    return succeeded, counts.failed + len(counts.uncounted_failed)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def finished_at(pod: Object) -> datetime | None:
    """When the last container ended, or the pod was made."""
    ends = [
        state["terminated"]["finishedAt"]
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
        if (state := status.get("state") or {}).get("terminated", {}).get("finishedAt")
    ]
    text = max(ends, default="") or pod["metadata"].get("creationTimestamp")
    return parse_time(text) if text else None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do; `finish` is the (type, reason, message) of the condition that ends the job."""

    create: tuple[int | None, ...] = ()  #: an index, or None, per pod
    delete: tuple[Object, ...] = ()
    finish: tuple[str, str, str] | None = None
    retry_after: float = 0.0  #: seconds until pods may be created again


def plan(job: Object, counts: Counts, now: datetime) -> Plan:
    """The next step of a job that has not finished."""
    spec = job["spec"]
    succeeded, failed = totals(job, counts)
    active = tuple(counts.active)
    doom = counts.doom or _told_doom(job)
    if doom:
        return Plan(delete=active, finish=("Failed", REASON, doom))
    limit = spec.get("backoffLimit")
    if failed > (6 if limit is None else limit):
        return Plan(
            delete=active, finish=("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        )
    if past_deadline(job, now):
        text = "Job was active longer than specified deadline"
        return Plan(delete=active, finish=("Failed", "DeadlineExceeded", text))
    completions = spec.get("completions")
    done = succeeded >= completions if completions is not None else bool(succeeded) and not active
    if done:
        return Plan(delete=active, finish=("Complete", "", ""))
    if spec.get("suspend"):
        return Plan(delete=active)
    parallelism = 1 if spec.get("parallelism") is None else spec["parallelism"]
    if completions is None:
        wanted = len(active) if succeeded else parallelism
    else:
        wanted = min(parallelism, completions - succeeded)
    if len(active) > wanted:
        return Plan(delete=tuple(sorted(active, key=pods.is_ready)[: len(active) - wanted]))
    missing = min(wanted - len(active), _BURST)
    if missing <= 0:
        return Plan()
    wait = backoff(failed, counts.last_failure, now)
    if wait > 0:
        return Plan(retry_after=wait)
    if is_indexed(job):
        taken = counts.indexes | {index for pod in active if (index := index_of(pod)) is not None}
        free = [index for index in range(completions or 0) if index not in taken]
        return Plan(create=tuple(free[:missing]))
    return Plan(create=(None,) * missing)


def _told_doom(job: Object) -> str:
    """The message of the condition FailureTarget, which an earlier step has left."""
    told = find((job.get("status") or {}).get("conditions"), FAILURE_TARGET)
    return str(told["message"]) if told is not None and told.get("status") == "True" else ""


def backoff(failed: int, last_failure: datetime | None, now: datetime) -> float:
    """Seconds to wait after the last failure: 10 s doubling to 6 min."""
    if not failed or last_failure is None:
        return 0.0
    delay = min(_BACKOFF_SECONDS * 2 ** min(failed - 1, 10), _MAX_BACKOFF_SECONDS)
    return (last_failure + timedelta(seconds=delay) - now).total_seconds()


def past_deadline(job: Object, now: datetime) -> bool:
    """Whether activeDeadlineSeconds since the start are over."""
    left = seconds_left(job, now)
    return left is not None and left <= 0


def seconds_left(job: Object, now: datetime) -> float | None:
    """Seconds until the deadline; None for none, or while suspended."""
    deadline, start = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if deadline is None or not start or job["spec"].get("suspend"):
        return None
    return (parse_time(start) + timedelta(seconds=deadline) - now).total_seconds()


def pod_for(job: Object, index: int | None, reference: dict[str, Any]) -> Object:
    """A pod of the job, kept by its finalizer until it is counted."""
    made = pods.from_template(job["spec"]["template"], name_of(job), job["metadata"]["namespace"], reference)
    metadata, spec = made["metadata"], made["spec"]
    metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
    if index is None:
        return made
    metadata["generateName"] = f"{name_of(job)}-{index}-"
    metadata["annotations"] = {**(metadata.get("annotations") or {}), INDEX: str(index)}
    metadata["labels"] = {**(metadata.get("labels") or {}), INDEX: str(index)}
    spec["hostname"] = f"{name_of(job)}-{index}"
    source = {"fieldRef": {"fieldPath": f"metadata.annotations['{INDEX}']"}}
    for kind in ("initContainers", "containers"):
        for container in spec.get(kind) or ():
            environment = container.setdefault("env", [])
            if not any(item["name"] == "JOB_COMPLETION_INDEX" for item in environment):
                environment.append({"name": "JOB_COMPLETION_INDEX", "valueFrom": deep_copy(source)})
    return made


def condition(type: str, reason: str, message: str, now: datetime, *, status: str = "True") -> Object:
    """A job condition."""
    moment = format_time(now)
    made = {"type": type, "status": status, "lastProbeTime": moment, "lastTransitionTime": moment}
    if reason:
        made |= {"reason": reason, "message": message}
    return made


def finished(job: Object) -> str:
    """The type of the condition that ended the job, "" while it goes on."""
    for item in (job.get("status") or {}).get("conditions") or ():
        if item.get("type") in ("Complete", "Failed") and item.get("status") == "True":
            return str(item["type"])
    return ""


def status(job: Object, counts: Counts, todo: Plan, now: datetime) -> Object:
    """The status to write."""
    old = job.get("status") or {}
    succeeded, _ = totals(job, counts)
    out: Object = {key: old[key] for key in ("startTime", "completionTime", "conditions") if old.get(key)}
    active = len(counts.active) - len(todo.delete)
    out |= {
        "active": max(active, 0),
        "ready": counts.ready if not todo.finish else 0,
        "succeeded": succeeded if is_indexed(job) else counts.succeeded,
        "failed": counts.failed,
        "uncountedTerminatedPods": {
            key: value
            for key, value in (("succeeded", counts.uncounted_succeeded), ("failed", counts.uncounted_failed))
            if value
        },
    }
    if counts.indexes:
        out["completedIndexes"] = format_indexes(counts.indexes)
    suspended = bool(job["spec"].get("suspend"))
    if not suspended and not out.get("startTime"):
        out["startTime"] = format_time(now)
    out["conditions"] = _with_suspension(out.get("conditions") or [], suspended, now)
    if suspended:
        out.pop("startTime", None)
    if todo.finish is not None and todo.finish[1] == REASON and find(out["conditions"], FAILURE_TARGET) is None:
        # Kept before the pod that told is let go: the reason must outlive it.
        out["conditions"] = [*out["conditions"], condition(FAILURE_TARGET, *todo.finish[1:], now)]
    settled = not counts.release and not counts.uncounted_succeeded and not counts.uncounted_failed
    if todo.finish is not None and settled:
        out["conditions"] = [*out["conditions"], condition(*todo.finish, now)]
        if todo.finish[0] == "Complete":
            out["completionTime"] = format_time(now)
    return out


def _with_suspension(conditions: Sequence[Object], suspended: bool, now: datetime) -> list[Object]:
    old = next((item for item in conditions if item.get("type") == "Suspended"), None)
    is_told = old is not None and old.get("status") == "True"
    if suspended == is_told:
        return list(conditions)
    value, reason = ("True", "JobSuspended") if suspended else ("False", "JobResumed")
    text = "Job suspended" if suspended else "Job resumed"
    others = [item for item in conditions if item.get("type") != "Suspended"]
    return [*others, condition("Suspended", reason, text, now, status=value)]
