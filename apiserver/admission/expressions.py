"""What CEL expressions in admission see of a request, and whom its `authorizer` asks. Pure but for the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar

from prometheus_client import Histogram

from apimachinery.cel import authorizer
from apimachinery.cel.authorizer import Check
from apimachinery.cel.budget import Budget
from apimachinery.cel.environment import Program
from apimachinery.errors import InternalError
from apimachinery.objects import Object
from apiserver.interfaces import Attributes, Authorizer, Decision, UserInfo
from apiserver.registry.patience import patiently

T = TypeVar("T")
_PROGRAMS = 4096
_SECONDS = (0.00001, 0.0001, 0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5)
#: Each round answers all that it asked; what is asked then depends on those answers.
_MAX_ROUNDS = 20


_COMPILATION = Histogram(
    "apiserver_cel_compilation_duration_seconds", "How long it took to compile an expression.", buckets=_SECONDS
)
_EVALUATION = Histogram(
    "apiserver_cel_evaluation_duration_seconds", "How long it took to evaluate an expression.", buckets=_SECONDS
)


@lru_cache(maxsize=_PROGRAMS)
def _program(text: str, names: tuple[str, ...]) -> Program:
    with _COMPILATION.time():
        return Program(text, names)


def value_of(text: str, names: tuple[str, ...], variables: Mapping[str, Any], budget: Budget) -> Any:
    """What an expression comes to; `names` are those of its variables. Raises CompileError, EvaluationError, and
    BudgetSpent where expressions have cost too much."""
    compiled = _program(text, names)
    with _EVALUATION.time():
        return budget.evaluate(compiled, variables)


def variables_of(attributes: Attributes, review: Object) -> dict[str, Any]:
    """object, oldObject, request and authorizer of a request, by its AdmissionReview."""
    asked = review["request"]
    request = {key: value for key, value in asked.items() if key not in ("object", "oldObject", "uid")}
    request["userInfo"] = {"groups": [], "extra": {}, "uid": "", **asked["userInfo"]}
    for key in ("name", "namespace", "subResource", "requestSubResource"):
        request.setdefault(key, "")
    return {
        "object": asked["object"],
        "oldObject": asked["oldObject"],
        "request": request,
        "authorizer": authorizer.authorizer(
            group=attributes.group,
            resource=attributes.resource,
            subresource=attributes.subresource,
            namespace=attributes.namespace,
            name=attributes.name,
        ),
    }


class Checks:
    """What one request's expressions ask of the server's authorizer. Expressions cannot wait: what is not known yet is
    noted, answered, and the evaluation repeated."""

    def __init__(self, attributes: Attributes, authorizer_: Authorizer) -> None:
        self._attributes = attributes
        self._authorizer = authorizer_
        self._known: dict[Check, tuple[bool, str]] = {}
        self._asked: list[Check] = []

    async def evaluated(self, evaluate: Callable[[], T]) -> T:
        """What `evaluate` gives when all that it asks is answered; raises what it raises then."""
        for _ in range(_MAX_ROUNDS):
            try:
                with authorizer.asking(self._ask):
                    result = await patiently(evaluate)
            except Exception:
                if not self._asked:
                    raise
            else:
                if not self._asked:
                    return result
            await self._learn()
        raise InternalError("an expression asks ever more of the authorizer")

    def _ask(self, check: Check) -> tuple[bool, str]:
        answer = self._known.get(check)
        if answer is None:
            self._asked.append(check)
            return False, ""
        return answer

    async def _learn(self) -> None:
        for check in self._asked:
            user = _account(*check.account) if check.account else self._attributes.user
            asked = replace(
                self._attributes, user=user, verb=check.verb, path=check.path, is_resource=not check.path,
                group=check.group, version="*", resource=check.resource, subresource=check.subresource,
                namespace=check.namespace, name=check.name,
            )  # fmt: skip
            decision, reason = await self._authorizer.authorize(asked)
            self._known[check] = decision is Decision.ALLOW, reason
        self._asked = []


def _account(namespace: str, name: str) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(f"system:serviceaccount:{namespace}:{name}", groups=groups)


def names_of(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """What expressions over these variables are compiled for."""
    return tuple(sorted(variables))
