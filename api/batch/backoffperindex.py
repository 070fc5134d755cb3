"""Rules for a job's backoff limit per index and for when it replaces its pods: alpha in v1.28, and so only CronJobs
can still name them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.core.replicationcontroller import nonnegative
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_LIMITS = ("backoffLimitPerIndex", "maxFailedIndexes")
_MAX_FAILED = 100_000
_MANY_COMPLETIONS, _MAX_WITH_MANY = 100_000, 10_000
_WITH_MANY = (
    f"must be less than or equal to {_MAX_WITH_MANY} when completions are above {_MANY_COMPLETIONS} "
    "and used with backoff limit per index"
)
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")


def validate_limits(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """What holds of both limits in every completion mode: one of failed indexes needs one of retries."""
    errors = nonnegative(spec, _LIMITS, path)
    if spec.get(_LIMITS[1]) is not None and spec.get(_LIMITS[0]) is None:
        errors.append(fe.required(f"{path}.{_LIMITS[0]}", "when maxFailedIndexes is specified"))
    return errors


def validate_limits_with_indexes(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """No more failed indexes than there are, and few enough to be named in the status."""
    errors: list[FieldError] = []
    failed, completions = spec.get(_LIMITS[1]), spec.get("completions")
    field = f"{path}.{_LIMITS[1]}"
    if failed is not None and completions is not None and failed > completions:
        errors.append(fe.invalid(field, failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MAX_FAILED:
        errors.append(fe.invalid(field, failed, f"must be less than or equal to {_MAX_FAILED}"))
    if completions is not None and completions > _MANY_COMPLETIONS and spec.get(_LIMITS[0]) is not None:
        errors += _validate_many_completions(spec, path)
    return errors


def _validate_many_completions(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    failed, parallelism = spec.get(_LIMITS[1]), spec.get("parallelism") or 0
    if failed is None:
        text = f"must be specified when completions is above {_MANY_COMPLETIONS}"
        errors.append(fe.required(f"{path}.{_LIMITS[1]}", text))
    for field, value in (("parallelism", parallelism), (_LIMITS[1], failed or 0)):
        if value > _MAX_WITH_MANY:
            errors.append(fe.invalid(f"{path}.{field}", value, _WITH_MANY))
    return errors


def validate_limits_without_indexes(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Neither limit."""
    return [
        fe.invalid(f"{path}.{field}", spec[field], "requires indexed completion mode")
        for field in _LIMITS
        if spec.get(field) is not None
    ]


def validate_replacement(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """When a pod is replaced; a failure policy must have seen how it ended."""
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    allowed = _REPLACEMENTS[:1] if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    return [] if policy in allowed else [fe.not_supported(f"{path}.podReplacementPolicy", policy, allowed)]
