"""What a policy says of one request with one set of parameters. Pure but for the CEL library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery.cel.budget import LONGEST_MESSAGE, Budget, BudgetSpent
from apimachinery.cel.environment import CompileError
from apimachinery.cel.values import EvaluationError
from apimachinery.objects import Object
from apiserver.admission.expressions import names_of, value_of
from apiserver.admission.webhooks.conditions import ConditionFailed, hold


@dataclass(frozen=True, slots=True)
class Denial:
    """A validation that does not hold, or has no answer."""

    message: str
    reason: str  #: of the Status
    index: int  #: among the validations
    failed: bool = False  #: it has no answer


@dataclass(slots=True)
class Findings:
    """All that a policy says."""

    denials: list[Denial] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    concerned: bool = True  #: whether the match conditions hold


def evaluate(spec: Mapping[str, Any], variables: Mapping[str, Any]) -> Findings:
    """Evaluate a policy. `variables`: object, oldObject, request, authorizer, params, namespaceObject."""
    fails = (spec.get("failurePolicy") or "Fail") == "Fail"
    found = Findings()
    try:
        conditions = spec.get("matchConditions") or ()
        found.concerned = not conditions or hold(conditions, variables)
    except ConditionFailed as error:
        found.concerned = fails
        if fails:
            found.denials.append(Denial(str(error), "Invalid", 0, failed=True))
        return found
    if not found.concerned:
        return found
    try:
        _judge(spec, variables, found, fails=fails)
    except BudgetSpent as error:
        found.denials = [Denial(str(error), "Invalid", 0, failed=True)] if fails else []
        found.annotations = {}
    return found


def _judge(spec: Mapping[str, Any], variables: Mapping[str, Any], found: Findings, *, fails: bool) -> None:
    """Validations and annotations; raises BudgetSpent."""
    evaluator = _Evaluator(spec, variables)
    for index, validation in enumerate(spec.get("validations") or ()):
        denial = evaluator.judged(validation, index)
        if denial is not None and (fails or not denial.failed):
            found.denials.append(denial)
    for annotation in spec.get("auditAnnotations") or ():
        try:
            value = evaluator.value(annotation["valueExpression"])
        except EvaluationError as error:
            if fails:
                found.denials.append(Denial(_problem(annotation["valueExpression"], error), "Invalid", 0, failed=True))
            continue
        if isinstance(value, str) and value.strip():
            found.annotations[annotation["key"]] = value.strip()


class _Evaluator:
    """Evaluates expressions with the policy's own variables, which see those before them. A variable without a value
    is a fault only of what uses it."""

    def __init__(self, spec: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self._failed: dict[str, str] = {}
        self._budget = Budget()
        composed: Object = {}
        self._variables = {**variables, "variables": composed}
        self._names = names_of(self._variables)
        for variable in spec.get("variables") or ():
            try:
                composed[variable["name"]] = self.value(variable["expression"])
            except EvaluationError as error:
                self._failed[variable["name"]] = str(error)

    def value(self, text: str) -> Any:
        """Raises EvaluationError."""
        try:
            return value_of(text, self._names, self._variables, self._budget)
        except CompileError as error:
            raise EvaluationError(f"compilation failed: {error}") from error
        except EvaluationError as error:
            absent = str(error).removeprefix("no such key: ")
            if absent in self._failed:
                why = f'composited variable "{absent}" fails to evaluate: {self._failed[absent]}'
                raise EvaluationError(why) from error
            raise

    def judged(self, validation: Mapping[str, Any], index: int) -> Denial | None:
        """None where it holds."""
        text, reason = validation["expression"], validation.get("reason") or "Invalid"
        try:
            if self.value(text) is True:
                return None
        except EvaluationError as error:
            return Denial(_problem(text, error), "Invalid", index, failed=True)
        return Denial(self._message(validation), reason, index)

    def _message(self, validation: Mapping[str, Any]) -> str:
        fixed = (validation.get("message") or "").strip() or f"failed expression: {validation['expression'].strip()}"
        said = validation.get("messageExpression")
        if not said:
            return fixed
        try:
            made = self.value(said)
        except EvaluationError:
            return fixed  # as in the reference: what cannot be said is said in the fixed words
        text = made.strip() if isinstance(made, str) else ""
        return text if text and "\n" not in text and len(text.encode()) <= LONGEST_MESSAGE else fixed


def _problem(text: str, error: Exception) -> str:
    return f"expression '{text}' resulted in error: {error}"
