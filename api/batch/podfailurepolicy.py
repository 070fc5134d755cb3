"""Rules for a Job's podFailurePolicy: what its rules may say of exit codes and conditions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from api.gosyntax import pointer, struct, typed_list
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MAX_RULES, _MAX_CODES, _MAX_PATTERNS = 20, 255, 20


def set_failure_policy_defaults(spec: Mapping[str, Any]) -> None:
    """A condition is looked for with the status True, in the spec of a Job or of a CronJob's jobs; in place."""
    for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"


def validate_pod_failure_policy(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Every rule of the policy; `spec` is the job's."""
    policy = spec["podFailurePolicy"]
    template = (spec.get("template") or {}).get("spec") or {}
    containers = {c.get("name") for kind in ("initContainers", "containers") for c in template.get(kind) or ()}
    rules = policy.get("rules") or ()
    errors: list[FieldError] = []
    if len(rules) > _MAX_RULES:
        errors.append(fe.too_many(f"{path}.rules", len(rules), _MAX_RULES))
    for index, rule in enumerate(rules):
        errors += _validate_rule(spec, rule, containers, f"{path}.rules[{index}]")
    return errors


def _validate_rule(
    spec: Mapping[str, Any], rule: Mapping[str, Any], containers: set[str | None], path: str
) -> list[FieldError]:
    errors: list[FieldError] = []
    action = rule.get("action") or ""
    if not action:
        errors.append(fe.required(f"{path}.action", _valid(_ACTIONS)))
    elif action == "FailIndex":
        if spec.get("backoffLimitPerIndex") is None:
            errors.append(fe.invalid(f"{path}.action", action, "requires the backoffLimitPerIndex to be set"))
    elif action not in _ACTIONS:
        errors.append(fe.not_supported(f"{path}.action", action, _ACTIONS))
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or ()
    if codes is not None:
        errors += _validate_codes(codes, containers, f"{path}.onExitCodes")
    errors += _validate_patterns(patterns, f"{path}.onPodConditions")
    if codes is not None and patterns:
        text = "specifying both OnExitCodes and OnPodConditions is not supported"
        errors.append(fe.invalid(path, fe.OMIT, text))
    if codes is None and not patterns:
        text = "specifying one of OnExitCodes and OnPodConditions is required"
        errors.append(fe.invalid(path, fe.OMIT, text))
    return errors


def _validate_codes(codes: Mapping[str, Any], containers: set[str | None], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    operator, values, name = codes.get("operator") or "", codes.get("values") or [], codes.get("containerName")
    if not operator:
        errors.append(fe.required(f"{path}.operator", _valid(_OPERATORS)))
    elif operator not in _OPERATORS:
        errors.append(fe.not_supported(f"{path}.operator", operator, _OPERATORS))
    if name is not None and name not in containers:
        text = "must be one of the container or initContainer names in the pod template"
        errors.append(fe.invalid(f"{path}.containerName", name, text))
    if not values:
        shown = typed_list("int32", None if codes.get("values") is None else ())
        errors.append(fe.invalid(f"{path}.values", shown, "at least one value is required"))
    elif len(values) > _MAX_CODES:
        errors.append(fe.too_many(f"{path}.values", len(values), _MAX_CODES))
    for index, value in enumerate(values):
        here = f"{path}.values[{index}]"
        if operator == "In" and value == 0:
            errors.append(fe.invalid(here, value, "must not be 0 for the In operator"))
        if value in values[:index]:
            errors.append(fe.duplicate(here, value))
    if any(earlier > later for earlier, later in pairwise(values)):
        shown = typed_list("int32", [str(value) for value in values])
        errors.append(fe.invalid(f"{path}.values", shown, "must be ordered"))
    return errors


def _valid(values: Sequence[str]) -> str:
    """What may stand there, printed as Go's %q prints a list."""
    return f"valid values: [{' '.join(fe.go_quote(value) for value in values)}]"


def policy_value(policy: Mapping[str, Any] | None) -> fe.GoSyntax | None:
    """batch.PodFailurePolicy{...}; None for none."""
    if policy is None:
        return None
    rules = []
    for rule in policy.get("rules") or ():
        patterns = [
            struct(
                "batch.PodFailurePolicyOnPodConditionsPattern",
                Type=fe.go_quote(pattern.get("type") or ""),
                Status=fe.go_quote(pattern.get("status") or ""),
            )
            for pattern in rule.get("onPodConditions") or ()
        ]
        rules.append(
            struct(
                "batch.PodFailurePolicyRule",
                Action=fe.go_quote(rule.get("action") or ""),
                OnExitCodes=pointer("batch.PodFailurePolicyOnExitCodesRequirement", rule.get("onExitCodes")),
                OnPodConditions=typed_list("batch.PodFailurePolicyOnPodConditionsPattern", patterns or None),
            )
        )
    return struct("batch.PodFailurePolicy", Rules=typed_list("batch.PodFailurePolicyRule", rules or None))


def _validate_patterns(patterns: Sequence[Mapping[str, Any]], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if len(patterns) > _MAX_PATTERNS:
        errors.append(fe.too_many(path, len(patterns), _MAX_PATTERNS))
    for index, pattern in enumerate(patterns):
        here, kind, status = f"{path}[{index}]", pattern.get("type") or "", pattern.get("status") or ""
        errors.extend(fe.invalid(f"{here}.type", kind, text) for text in names.qualified_name(kind))
        if not status:
            errors.append(fe.required(f"{here}.status", _valid(_STATUSES)))
        elif status not in _STATUSES:
            errors.append(fe.not_supported(f"{here}.status", status, _STATUSES))
    return errors
