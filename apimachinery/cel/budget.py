"""What the expressions of one request may cost together (k8s.io/apiserver/pkg/apis/cel/config.go). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from apimachinery.cel.environment import Program
from apimachinery.cel.evaluation import Meter

#: RuntimeCELCostBudget: for the rules of a custom resource, or the validations of a policy with one binding.
REQUEST_BUDGET: Final = 10_000_000
#: RuntimeCELCostBudgetMatchConditions: for the match conditions of one webhook or policy.
CONDITIONS_BUDGET: Final = 2_500_000
#: MaxEvaluatedMessageExpressionSizeBytes: of what an expression gives as a message.
LONGEST_MESSAGE: Final = 5 * 1024


class BudgetSpent(Exception):
    """Expressions have cost more than they may."""

    def __init__(self) -> None:
        super().__init__("validation failed due to running out of cost budget, no further validation rules will be run")


class Budget:
    """What is left of it; the clock of all its expressions runs from when it is made."""

    __slots__ = ("left", "meter")

    def __init__(self, units: int = REQUEST_BUDGET) -> None:
        self.left = units
        self.meter = Meter()

    def evaluate(self, program: Program, variables: Mapping[str, Any]) -> Any:
        """What the expression comes to; raises BudgetSpent, EvaluationError."""
        try:
            value = program.evaluate(variables, self.meter)
        finally:
            self.spend(self.meter.spent)
        return value

    def spend(self, units: int) -> None:
        """Raises BudgetSpent."""
        if units > self.left:
            raise BudgetSpent
        self.left -= units
