"""Checks a policy's expressions against the types of what it is about, which is not known when it is written. Pure but
for loading the CEL library.

(k8s.io/apiserver/pkg/admission/plugin/validatingadmissionpolicy, typechecking.go.)"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from api.admissionregistration.expressions import VARIABLES, result_type, with_variables
from apimachinery.cel.environment import CompileError, Environment
from apimachinery.cel.types import DYN, Type
from apimachinery.objects import Object

#: Of one rule.
MAX_TYPES: Final = 10


def named_resources(rule: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(group, version, plural) of what a rule names: nothing where it says "all groups" or "all versions"."""
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    if any("*" in text for text in (*groups, *versions)):
        return []
    plurals = [plural for plural in rule.get("resources") or () if "*" not in plural and "/" not in plural]
    return list(product(sorted(groups), sorted(versions), sorted(plurals)))


def expression_warnings(spec: Mapping[str, Any], types: Mapping[str, Type], params: Type | None) -> list[Object]:
    """What does not fit the `types` that objects may be of, by what messages call them; `params` is the type of the
    policy's parameters, if that is known."""
    environments = {shown: _environment(spec, kind, params) for shown, kind in types.items()}
    found: list[Object] = []
    for index, validation in enumerate(spec.get("validations") or ()):
        for field in ("expression", "messageExpression"):
            text = validation.get(field)
            told = [f"{shown}: {why}\n" for shown, where in environments.items() if text and (why := _why(where, text))]
            if told:
                found.append({"fieldRef": f"spec.validations[{index}].{field}", "warning": "\n".join(told)})
    return found


def _environment(spec: Mapping[str, Any], kind: Type, params: Type | None) -> Environment:
    known: dict[str, Type] = {**VARIABLES, "object": kind, "oldObject": kind}
    if spec.get("paramKind"):
        known["params"] = params or DYN
    composed: dict[str, Type] = {}
    for variable in spec.get("variables") or ():  # each sees those before it
        try:
            checked = with_variables(known, composed).check(variable["expression"])
        except CompileError:
            composed[variable["name"]] = DYN
        else:
            composed[variable["name"]] = result_type(checked)
    return with_variables(known, composed)


def _why(where: Environment, text: str) -> str:
    try:
        where.check(text)
    except CompileError as error:
        return str(error)
    return ""
