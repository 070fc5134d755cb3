"""The declarations of the policy/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.POD_DISRUPTION_BUDGETS,
        singular="poddisruptionbudget",
        short_names=("pdb",),
        subresources=(Subresource(name="status", kind="PodDisruptionBudget"),),
        storage_path="poddisruptionbudgets",
    ),
)
