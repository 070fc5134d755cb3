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
_REPLACEMENTS = ("Failed", "TerminatingOrFailed")


def validate_backoff_per_index(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Both limits need indexes; one of failed indexes needs one of retries."""
    errors = nonnegative(spec, _LIMITS, path)
    per_index, failed, completions = spec.get(_LIMITS[0]), spec.get(_LIMITS[1]), spec.get("completions")
    if failed is not None and per_index is None:
        errors.append(fe.required(f"{path}.{_LIMITS[0]}", "when maxFailedIndexes is specified"))
    if spec.get("completionMode") != "Indexed":
        for field in _LIMITS:
            if spec.get(field) is not None:
                errors.append(fe.invalid(f"{path}.{field}", spec[field], "requires indexed completion mode"))
    elif failed is not None:
        if completions is not None and failed > completions:
            text = "must be less than or equal to completions"
            errors.append(fe.invalid(f"{path}.{_LIMITS[1]}", failed, text))
        if failed > _MAX_FAILED:
            text = f"must be less than or equal to {_MAX_FAILED}"
            errors.append(fe.invalid(f"{path}.{_LIMITS[1]}", failed, text))
    return errors + _validate_replacement(spec, f"{path}.podReplacementPolicy")


def _validate_replacement(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    allowed = _REPLACEMENTS[:1] if spec.get("podFailurePolicy") is not None else _REPLACEMENTS
    return [] if policy in allowed else [fe.not_supported(path, policy, allowed)]
