"""The declarations of the policy/v1 kinds. Pure data.

Strategies and columns are in the modules beside this one."""

from __future__ import annotations

from api import resources as r
from api.kind import Kind, Subresource
from api.policy import poddisruptionbudget

KINDS: tuple[Kind, ...] = (
    Kind(
        resource=r.POD_DISRUPTION_BUDGETS,
        strategy=poddisruptionbudget.BUDGET,
        columns=poddisruptionbudget.COLUMNS,
        cells=poddisruptionbudget.cells,
        singular="poddisruptionbudget",
        short_names=("pdb",),
        subresources=(
            Subresource(name="status", kind="PodDisruptionBudget", strategy=poddisruptionbudget.BUDGET_STATUS),
        ),
        storage_path="poddisruptionbudgets",
    ),
)
