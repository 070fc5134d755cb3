"""matchConditions: CEL expressions that all have to hold before a webhook is called. Pure but for the library.

(k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apimachinery.cel.budget import CONDITIONS_BUDGET, Budget, BudgetSpent
from apimachinery.cel.environment import CompileError
from apimachinery.cel.values import EvaluationError
from apimachinery.objects import Object
from apiserver.admission.expressions import names_of, value_of


class ConditionFailed(Exception):
    """A condition has no value, and no other one says no; or they cost too much."""


def hold(conditions: Sequence[Object], variables: Mapping[str, Any]) -> bool:
    """Whether all hold; one that says no decides, whatever becomes of the others. Raises ConditionFailed.

    As in the reference there is a namespaceObject, which is null."""
    problems: list[str] = []
    variables = {**variables, "namespaceObject": None}
    names, budget = names_of(variables), Budget(CONDITIONS_BUDGET)
    for condition in conditions:
        text = condition.get("expression") or ""
        try:
            if value_of(text, names, variables, budget) is not True:
                return False
        except BudgetSpent as error:
            raise ConditionFailed(str(error)) from error
        except (CompileError, EvaluationError) as error:
            problems.append(f"expression '{text}' resulted in error: {error}")
    if problems:
        raise ConditionFailed(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
    return True
