"""PodDisruptionBudgets: rules, status, table. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.apps.rollout import validate_at_most_all, validate_count_or_percent
from api.core.replicationcontroller import nonnegative
from api.gosyntax import pointer, raw
from api.kind import Column
from api.strategies import SpecStrategy, StatusStrategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.conditions import validate_conditions
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

COLUMNS = (
    NAME,
    Column(name="Min Available", description="How many pods must stay."),
    Column(name="Max Unavailable", description="How many pods may go."),
    Column(name="Allowed Disruptions", type="integer", description="How many pods may go now."),
    AGE,
)
_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_POLICIES = ("AlwaysAllow", "IfHealthyBudget")
_SHOWN = (
    ("MinAvailable", "minAvailable", "intstr.IntOrString"),
    ("Selector", "selector", "v1.LabelSelector"),
    ("MaxUnavailable", "maxUnavailable", "intstr.IntOrString"),
    ("UnhealthyPodEvictionPolicy", "unhealthyPodEvictionPolicy", "policy.UnhealthyPodEvictionPolicyType"),
)


class BudgetStrategy(SpecStrategy):
    """The budget itself."""

    allow_unconditional_update = False
    empty_status = dict.fromkeys(sorted(_COUNTS), 0)

    def default(self, obj: Object) -> None:
        """There is always a spec."""
        obj.setdefault("spec", {})

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidatePodDisruptionBudget."""
        spec = obj["spec"]
        errors: list[FieldError] = []
        if "minAvailable" in spec and "maxUnavailable" in spec:
            shown = ", ".join(f"{name}:{pointer(kind, spec.get(field))}" for name, field, kind in _SHOWN)
            value = raw(f"policy.PodDisruptionBudgetSpec{{{shown}}}")
            errors.append(fe.invalid("spec", value, "minAvailable and maxUnavailable cannot be both set"))
        for field in ("minAvailable", "maxUnavailable"):
            errors += validate_count_or_percent(spec.get(field), f"spec.{field}")
            errors += validate_at_most_all(spec.get(field), f"spec.{field}")
        errors += validate_label_selector(spec.get("selector"), "spec.selector")
        policy = spec.get("unhealthyPodEvictionPolicy")
        if policy is not None and policy not in _POLICIES:
            errors.append(fe.not_supported("spec.unhealthyPodEvictionPolicy", policy, _POLICIES))
        return errors

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL."""
        return names.path_segment_name(name, prefix)


class BudgetStatusStrategy(StatusStrategy):
    """poddisruptionbudgets/status."""

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidatePodDisruptionBudgetStatusUpdate."""
        status = new.get("status") or {}
        errors = validate_conditions(status.get("conditions") or (), "status.conditions")
        return errors + nonnegative(status, _COUNTS, "status")


def cells(budget: Object, now: datetime) -> list[Any]:
    """One row."""
    spec, status = budget.get("spec") or {}, budget.get("status") or {}
    return [
        budget["metadata"].get("name"),
        str(spec["minAvailable"]) if "minAvailable" in spec else "N/A",
        str(spec["maxUnavailable"]) if "maxUnavailable" in spec else "N/A",
        status.get("disruptionsAllowed") or 0,
        age(budget, now),
    ]


BUDGET = BudgetStrategy()
BUDGET_STATUS = BudgetStatusStrategy(BUDGET)
