"""What a job's spec is warned of, also inside a CronJob. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.core.pod.warnings import template_warnings

_COMPLETIONS, _PARALLELISM = 100_000, 10_000
_TOO_MANY = (
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)


def job_spec_warnings(spec: Mapping[str, Any], path: str) -> list[str]:
    """WarningsForJobSpec: more indexes than a status can name, and what is said of the template."""
    found: list[str] = []
    completions, parallelism = spec.get("completions") or 0, spec.get("parallelism") or 0
    if spec.get("completionMode") == "Indexed" and completions > _COMPLETIONS and parallelism > _PARALLELISM:
        found.append(f"{path}: {_TOO_MANY}")
    return found + template_warnings(spec["template"], f"{path}.template")
