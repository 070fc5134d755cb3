"""Jobs: defaults, the selector made from the job's own uid, rules, what may change, status, table. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.apps.rollout import compiled
from api.batch.backoffperindex import (
    validate_limits,
    validate_limits_with_indexes,
    validate_limits_without_indexes,
    validate_replacement,
)
from api.batch.podfailurepolicy import policy_value, set_failure_policy_defaults, validate_pod_failure_policy
from api.batch.warnings import job_spec_warnings
from api.core.pod.defaults import set_template_defaults
from api.core.pod.spec import validate_pod_template
from api.core.replicationcontroller import MISMATCH, nonnegative
from api.gosyntax import label_selector, raw, string_map
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy, asks_for_something_new
from api.table import AGE, NAME, age, container_images, container_names, format_label_selector
from api.validation import names
from api.validation.hostname import host_name_warnings
from api.validation.labelselector import validate_label_selector
from api.validation.objectmeta import FIELD_IMMUTABLE, validate_labels
from apimachinery import fielderrors as fe
from apimachinery.duration import human_duration
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object, name_of, parse_time, uid_of

COLUMNS = (
    NAME,
    Column(name="Completions", description="How many pods have succeeded, and how many should."),
    Column(name="Duration", description="How long the job has run, or did run."),
    AGE,
    Column(name="Containers", priority=1, description="Names of the template's containers."),
    Column(name="Images", priority=1, description="Images of the template's containers."),
    Column(name="Selector", priority=1, description="The labels that select the pods."),
)
UID_LABEL, NAME_LABEL = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
OLD_UID_LABEL, OLD_NAME_LABEL = "controller-uid", "job-name"
_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_MAX_INDEXED_PARALLELISM = 100_000
_RESTARTS = ("OnFailure", "Never")
#: What may change in the template of a job that is suspended and has not begun, beside the affinity to nodes.
_SCHEDULING = ("nodeSelector", "affinity", "tolerations", "schedulingGates")


class JobStrategy(SpecStrategy):
    """The Job itself."""

    def default(self, obj: Object) -> None:
        """SetDefaults_Job."""
        spec = obj.setdefault("spec", {})
        set_template_defaults(spec.setdefault("template", {}))
        if "completions" not in spec and "parallelism" not in spec:
            spec["completions"] = 1
        spec.setdefault("parallelism", 1)
        spec.setdefault("backoffLimit", 6)
        spec.setdefault("completionMode", "NonIndexed")
        spec.setdefault("suspend", False)
        set_failure_policy_defaults(spec)
        _copy_labels(obj)

    def prepare_create(self, obj: Object) -> None:
        """Unless the user selects by hand, the job selects its pods by its own uid."""
        super().prepare_create(obj)
        _drop_gated(obj["spec"], None)
        if not obj["spec"].get("manualSelector"):
            _generate_selector(obj)
        _copy_labels(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """What is behind a gate stays only where it was."""
        _drop_gated(new["spec"], old["spec"])
        super().prepare_update(new, old)

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateJob."""
        return self._validate(obj, prefixed=True)

    def _validate(self, obj: Object, prefixed: bool) -> list[FieldError]:
        spec = obj["spec"]
        errors = _validate_generated(obj, prefixed)
        errors += validate_job_spec(spec, "spec")
        errors += _validate_selector(spec)
        completions = spec.get("completions")
        if spec.get("completionMode") == "Indexed" and completions:
            host = f"{name_of(obj)}-{completions - 1}"
            if names.dns1123_label(host):
                text = f"will not able to create pod with invalid DNS label: {host}"
                errors.append(fe.invalid("metadata.name", name_of(obj), text))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateJob and ValidateJobUpdate, so that every cause in the spec is told twice."""
        spec = new["spec"]
        errors = self._validate(new, _had_prefixed_labels(old))
        return errors + validate_job_spec(spec, "spec") + _validate_selector(spec) + _validate_changes(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Those of the name, and of the spec in every new generation."""
        found = host_name_warnings(obj, old)
        return found + job_spec_warnings(obj["spec"], "spec") if asks_for_something_new(obj, old) else found


def _drop_gated(spec: dict[str, Any], old: Mapping[str, Any] | None) -> None:
    """Take away what v1.28 has behind the gates JobBackoffLimitPerIndex and JobPodReplacementPolicy, both off."""
    if old is None or old.get("backoffLimitPerIndex") is None:
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            spec.pop(field, None)
        policy = spec.get("podFailurePolicy") or {}
        if old is None and policy.get("rules"):  # later the whole policy must stay as it is
            policy["rules"] = [rule for rule in policy["rules"] if rule.get("action") != "FailIndex"]
    if old is None or old.get("podReplacementPolicy") is None:
        spec.pop("podReplacementPolicy", None)


def _copy_labels(job: Object) -> None:
    """A job without labels has those of its pods."""
    carried = job["spec"]["template"]["metadata"].get("labels")
    if carried and not job["metadata"].get("labels") and not validate_labels(carried, ""):
        job["metadata"]["labels"] = dict(carried)


def _own_labels(job: Object) -> dict[str, str]:
    return {**_old_labels(job), UID_LABEL: uid_of(job), NAME_LABEL: name_of(job)}


def _old_labels(job: Object) -> dict[str, str]:
    return {OLD_UID_LABEL: uid_of(job), OLD_NAME_LABEL: name_of(job)}


def _had_prefixed_labels(job: Object) -> bool:
    """Whether the job was made when its pods had the newer labels: else they are not asked for."""
    carried = job["spec"]["template"]["metadata"].get("labels") or {}
    return NAME_LABEL in carried and UID_LABEL in carried


def _generate_selector(job: Object) -> None:
    spec = job["spec"]
    meta = spec["template"]["metadata"]
    meta["labels"] = {**_own_labels(job), **(meta.get("labels") or {})}
    selector = spec.get("selector") or {}
    spec["selector"] = {**selector, "matchLabels": {UID_LABEL: uid_of(job), **(selector.get("matchLabels") or {})}}


def _validate_generated(job: Object, prefixed: bool) -> list[FieldError]:
    """Generated labels and selector were not overruled; `prefixed`: the newer labels are among them."""
    spec = job["spec"]
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return []
    errors: list[FieldError] = []
    carried = spec["template"]["metadata"].get("labels") or {}
    wanted = _own_labels(job) if prefixed else _old_labels(job)
    for key, value in wanted.items():
        path = f"spec.template.metadata.labels[{key}]"
        if key not in carried:
            errors.append(fe.required(path, f"must be '{value}'"))
        elif carried[key] != value:
            errors.append(fe.invalid(path, raw(string_map(carried)), f"must be '{value}'"))
    matcher = compiled(selector)
    if matcher is not None and not matcher.matches(wanted):
        text = "`selector` not auto-generated"
        errors.append(fe.invalid("spec.selector", raw(label_selector(selector)), text))
    return errors


def _validate_selector(spec: Mapping[str, Any]) -> list[FieldError]:
    selector = spec.get("selector")
    if selector is None:
        return [fe.required("spec.selector")]
    errors = validate_label_selector(selector, "spec.selector")
    carried = spec["template"]["metadata"].get("labels")
    matcher = compiled(selector)
    if matcher is not None and not matcher.matches(carried or {}):
        errors.append(fe.invalid("spec.template.metadata.labels", raw(string_map(carried)), MISMATCH))
    return errors


def validate_job_spec(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """A job's spec, also inside a CronJob, but for the selector."""
    errors = nonnegative(spec, _COUNTS, path)
    mode = spec.get("completionMode")
    errors += validate_limits(spec, path)
    if mode is not None and mode not in ("NonIndexed", "Indexed"):
        errors.append(fe.not_supported(f"{path}.completionMode", mode, ("NonIndexed", "Indexed")))
    if mode == "Indexed":
        if "completions" not in spec:
            errors.append(fe.required(f"{path}.completions", "when completion mode is Indexed"))
        parallelism = spec.get("parallelism") or 0
        if parallelism > _MAX_INDEXED_PARALLELISM:
            text = f"must be less than or equal to {_MAX_INDEXED_PARALLELISM} when completion mode is Indexed"
            errors.append(fe.invalid(f"{path}.parallelism", parallelism, text))
        errors += validate_limits_with_indexes(spec, path)
    elif mode in (None, "NonIndexed"):
        errors += validate_limits_without_indexes(spec, path)
    policy = spec.get("podFailurePolicy")
    if policy is not None:
        errors += validate_pod_failure_policy(spec, f"{path}.podFailurePolicy")
    errors += validate_replacement(spec, path)
    template = spec.get("template") or {}
    errors += validate_pod_template(dict(template), f"{path}.template")
    restart = (template.get("spec") or {}).get("restartPolicy")
    field = f"{path}.template.spec.restartPolicy"
    if restart in (None, "Always"):
        errors.append(fe.required(field, 'valid values: "OnFailure", "Never"'))
    elif restart not in _RESTARTS:
        errors.append(fe.not_supported(field, restart, _RESTARTS))
    elif policy is not None and restart != "Never":
        text = 'only "Never" is supported when podFailurePolicy is specified'
        errors.append(fe.invalid(field, restart, text))
    return errors


def _validate_changes(new: Object, old: Object) -> list[FieldError]:
    after, before = new["spec"], old["spec"]
    errors: list[FieldError] = []
    completions, earlier = after.get("completions"), before.get("completions")
    if completions != earlier:
        if after.get("completionMode") != "Indexed":
            errors.append(fe.invalid("spec.completions", completions, FIELD_IMMUTABLE))
        elif completions is not None and completions != after.get("parallelism"):
            text = "can only be modified in tandem with spec.parallelism"
            errors.append(fe.invalid("spec.completions", completions, text))
    if after.get("selector") != before.get("selector"):
        shown = raw(label_selector(after.get("selector")))
        errors.append(fe.invalid("spec.selector", shown, FIELD_IMMUTABLE))
    if _fixed_template(old, after["template"]) != _fixed_template(old, before["template"]):
        errors.append(fe.invalid("spec.template", after["template"], FIELD_IMMUTABLE))
    if after.get("completionMode") != before.get("completionMode"):
        errors.append(fe.invalid("spec.completionMode", after.get("completionMode"), FIELD_IMMUTABLE))
    policy = after.get("podFailurePolicy")
    if policy != before.get("podFailurePolicy"):
        errors.append(fe.invalid("spec.podFailurePolicy", policy_value(policy), FIELD_IMMUTABLE))
    return errors


def _fixed_template(old: Object, template: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a template may not change: less of it while the job is suspended and has never started."""
    waiting = old["spec"].get("suspend") and not (old.get("status") or {}).get("startTime")
    if not waiting:
        return template
    meta = {key: value for key, value in template["metadata"].items() if key not in ("labels", "annotations")}
    spec = {key: value for key, value in template["spec"].items() if key not in _SCHEDULING}
    affinity = template["spec"].get("affinity") or {}
    return {"metadata": meta, "spec": spec, "affinity": {k: v for k, v in affinity.items() if k != "nodeAffinity"}}


class JobStatusStrategy(StatusStrategy):
    """jobs/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateJobStatusUpdate."""
        status = new.get("status") or {}
        errors = nonnegative(status, ("active", "succeeded", "failed", "ready", "terminating"), "status")
        uncounted, seen = status.get("uncountedTerminatedPods") or {}, set[str]()
        for field in ("succeeded", "failed"):
            for index, uid in enumerate(uncounted.get(field) or ()):
                path = f"status.uncountedTerminatedPods.{field}[{index}]"
                if not uid:
                    errors.append(fe.invalid(path, uid, "must not be empty"))
                elif uid in seen:
                    errors.append(fe.duplicate(path, uid))
                seen.add(uid)
        return errors


def _duration(status: Mapping[str, Any], now: datetime) -> str:
    started, ended = status.get("startTime"), status.get("completionTime")
    if not started:
        return ""
    until = parse_time(ended) if ended else now
    return human_duration((until - parse_time(started)).total_seconds())


def cells(job: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = job.get("spec") or {}, job.get("status") or {}
    succeeded, completions, parallelism = status.get("succeeded") or 0, spec.get("completions"), spec.get("parallelism")
    if completions is not None:
        wanted = str(completions)
    elif (parallelism or 0) > 1:
        wanted = f"1 of {parallelism}"
    else:
        wanted = "1"
    template = spec.get("template")
    return [
        job["metadata"].get("name"),
        f"{succeeded}/{wanted}",
        _duration(status, now),
        age(job, now),
        container_names(template),
        container_images(template),
        format_label_selector(spec.get("selector")),
    ]


def _successful(job: Object) -> str:
    return str((job.get("status") or {}).get("succeeded") or 0)


SELECTABLE = {"status.successful": _successful}
JOB = JobStrategy()
JOB_STATUS = JobStatusStrategy(JOB)
