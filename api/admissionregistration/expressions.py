"""CEL in admission configurations: the variables there are, and match conditions. Pure but for loading the library.

(k8s.io/apiserver/pkg/admission/plugin/cel.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.cel import authorizer
from apimachinery.cel.environment import Checked, CompileError, Environment
from apimachinery.cel.types import BOOL, DOUBLE, DYN, INT, STRING, Type, list_of, map_of, object_of
from apimachinery.fielderrors import FieldError

_MAX_CONDITIONS: Final = 64


def _texts(name: str, *fields: str) -> Type:
    return object_of(name, dict.fromkeys(fields, STRING))


_KIND: Final = _texts("GroupVersionKind", "group", "version", "kind")
_RESOURCE: Final = _texts("GroupVersionResource", "group", "version", "resource")
_USER: Final = object_of(
    "UserInfo", {"username": STRING, "uid": STRING, "groups": list_of(STRING), "extra": map_of(list_of(STRING))}
)
#: admission/v1 AdmissionRequest, without the objects.
REQUEST: Final = object_of(
    "AdmissionRequest",
    {
        "kind": _KIND, "resource": _RESOURCE, "subResource": STRING, "requestKind": _KIND, "requestResource": _RESOURCE,
        "requestSubResource": STRING, "name": STRING, "namespace": STRING, "operation": STRING, "userInfo": _USER,
        "dryRun": BOOL, "options": DYN,
    },
)  # fmt: skip
#: What every expression sees; for match conditions, namespaceObject is null.
VARIABLES: Final[Mapping[str, Type]] = {
    "object": DYN,
    "oldObject": DYN,
    "request": REQUEST,
    "namespaceObject": DYN,
    "authorizer": Type(authorizer.AUTHORIZER),
}


_RESULTS: Final[Mapping[str, Type]] = {"bool": BOOL, "int": INT, "double": DOUBLE, "string": STRING}


def result_type(found: Checked) -> Type:
    """The type of a policy's variable, as the expressions after it see it."""
    return _RESULTS.get(found.result, DYN)


def with_variables(known: Mapping[str, Type], composed: Mapping[str, Type]) -> Environment:
    """Where expressions see the policy's variables of these types beside what is known anyway."""
    return Environment({**known, "variables": object_of("variables", dict(composed))})


@lru_cache(maxsize=2)
def environment(*, params: bool = False) -> Environment:
    """Where match conditions are checked; those of policies with parameters see them."""
    return Environment({**VARIABLES, "params": DYN} if params else VARIABLES)


def expression_error(text: str, path: str, where: Environment, wanted: str = "bool") -> list[FieldError]:
    """What is wrong with an expression that must come to a `wanted` value."""
    try:
        found = where.check(text)
    except CompileError as error:
        return [fe.invalid(path, text, f"compilation failed: {error}")]
    if found.result not in (wanted, "dyn"):
        return [fe.invalid(path, text, f"must evaluate to {wanted}")]
    return []


def validate_match_conditions(
    conditions: Sequence[Mapping[str, Any]], path: str, *, params: bool = False
) -> list[FieldError]:
    """Every rule that matchConditions break; `params`: whether there are parameters to see."""
    errors: list[FieldError] = []
    if len(conditions) > _MAX_CONDITIONS:
        errors.append(fe.too_many(path, len(conditions), _MAX_CONDITIONS))
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        at, name, text = f"{path}[{index}]", condition.get("name") or "", condition.get("expression") or ""
        if not text.strip():
            errors.append(fe.required(f"{at}.expression"))
        else:
            errors += expression_error(text.strip(), f"{at}.expression", environment(params=params))
        if not name:
            errors.append(fe.required(f"{at}.name"))
            continue
        errors += [fe.invalid(f"{at}.name", name, problem) for problem in names.qualified_name(name)]
        if name in seen:
            errors.append(fe.duplicate(f"{at}.name", name))
        seen.add(name)
    return errors
