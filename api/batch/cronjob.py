"""CronJobs: defaults, rules, warnings, table. Pure."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from api.batch.job import validate_job_spec
from api.batch.podfailurepolicy import set_failure_policy_defaults
from api.batch.schedule import schedule_problem
from api.batch.warnings import job_spec_warnings
from api.core.pod.defaults import set_template_defaults
from api.core.replicationcontroller import nonnegative
from api.gosyntax import label_selector, raw
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new
from api.table import AGE, NAME, NONE, UNSET, age, container_images, container_names, format_label_selector, since
from api.validation.hostname import host_name_warnings
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of

COLUMNS = (
    NAME,
    Column(name="Schedule", description="When jobs start."),
    Column(name="Suspend", type="boolean", description="Whether no more jobs start."),
    Column(name="Active", type="integer", description="How many jobs are running."),
    Column(name="Last Schedule", description="How long ago a job was started last."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)
#: Jobs are called after their CronJob and 11 more characters.
_NAME_MAX = 52
_POLICIES = ("Allow", "Forbid", "Replace")


class CronJobStrategy(SpecStrategy):
    """The CronJob itself."""

    def default(self, obj: Object) -> None:
        """SetDefaults_CronJob; the jobs' own defaults are set when they are made."""
        spec = obj.setdefault("spec", {})
        spec.setdefault("concurrencyPolicy", "Allow")
        spec.setdefault("suspend", False)
        spec.setdefault("successfulJobsHistoryLimit", 3)
        spec.setdefault("failedJobsHistoryLimit", 1)
        template = spec.setdefault("jobTemplate", {})
        template.setdefault("metadata", {"creationTimestamp": None})
        set_template_defaults(template.setdefault("spec", {}).setdefault("template", {}))
        set_failure_policy_defaults(template["spec"])

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateCronJobCreate."""
        errors = _validate_spec(obj["spec"], None)
        name = name_of(obj)
        if len(name) > _NAME_MAX:
            text = f"must be no more than {_NAME_MAX} characters"
            errors.append(fe.invalid("metadata.name", name, text))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateCronJobUpdate: names that were too long once may stay."""
        return _validate_spec(new["spec"], old["spec"])

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the name, of the jobs in every new generation, and a time zone in the wrong place."""
        spec, found = obj["spec"], host_name_warnings(obj, old)
        if asks_for_something_new(obj, old):
            found += job_spec_warnings(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
        if "TZ" in (spec.get("schedule") or ""):
            found.append(
                "CRON_TZ or TZ used in spec.spec.schedule is not officially supported, see "
                "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
        return found


def _validate_spec(spec: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[FieldError]:
    errors: list[FieldError] = []
    schedule, zone = spec.get("schedule") or "", spec.get("timeZone")
    if not schedule:
        errors.append(fe.required("spec.schedule"))
    else:
        if problem := schedule_problem(schedule):
            errors.append(fe.invalid("spec.schedule", schedule, problem))
        if "TZ" in schedule and zone is not None:
            text = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
            errors.append(fe.invalid("spec.schedule", schedule, text))
    errors += nonnegative(spec, ("startingDeadlineSeconds",), "spec")
    if zone is not None and (old is None or zone != old.get("timeZone")):
        errors.extend(fe.invalid("spec.timeZone", zone, problem) for problem in _zone_problems(zone))
    policy = spec.get("concurrencyPolicy") or ""
    if policy not in _POLICIES:
        field = "spec.concurrencyPolicy"
        errors.append(fe.not_supported(field, policy, _POLICIES) if policy else fe.required(field))
    errors += _validate_job(spec["jobTemplate"]["spec"], "spec.jobTemplate.spec")
    return errors + nonnegative(spec, ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"), "spec")


def _validate_job(job: Mapping[str, Any], path: str) -> list[FieldError]:
    """ValidateJobTemplateSpec: a job that selects its pods by itself."""
    errors = validate_job_spec(job, path)
    if job.get("selector") is not None:
        shown = raw(label_selector(job["selector"]))
        errors.append(fe.invalid(f"{path}.selector", shown, "`selector` will be auto-generated"))
    if job.get("manualSelector"):
        errors.append(fe.not_supported(f"{path}.manualSelector", True, ("nil", "false")))
    return errors


def _zone_problems(zone: str) -> list[str]:
    if not zone:
        return ["timeZone must be nil or non-empty string"]
    problems = []
    if zone.lower() == "local":
        problems.append("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
    # Go knows "Local" itself; every other spelling of it is a name that its database has not.
    if zone not in ("UTC", "Local") and zone not in _zones():
        problems.append(f"unknown time zone {zone}")
    return problems


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """Every zone the system's database knows."""
    return frozenset(zoneinfo.available_timezones())


def cells(cron_job: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = cron_job.get("spec") or {}, cron_job.get("status") or {}
    job = (spec.get("jobTemplate") or {}).get("spec") or {}
    last = status.get("lastScheduleTime")
    return [
        cron_job["metadata"].get("name"),
        spec.get("schedule") or "",
        str(bool(spec["suspend"])) if "suspend" in spec else UNSET,
        len(status.get("active") or ()),
        since(last, now) if last else NONE,
        age(cron_job, now),
        container_names(job.get("template")),
        container_images(job.get("template")),
        format_label_selector(job.get("selector")),
    ]


CRON_JOB = CronJobStrategy()
CRON_JOB_STATUS = StatusStrategy(CRON_JOB)
