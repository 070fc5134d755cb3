"""Which requests an admission configuration is about: operations, groups, versions, resources and scope. Pure.

(validateRuleWithOperations of pkg/apis/admissionregistration/validation.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.gosyntax import named_strings
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")


def validate_rule(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    """Every list is there, and names nothing beside a wildcard that takes it in."""
    operations, versions = rule.get("operations") or [], rule.get("apiVersions") or []
    errors = _validate_list(operations, f"{path}.operations", "operations", "admissionregistration.OperationType")
    errors += [
        fe.not_supported(f"{path}.operations[{index}]", operation, _OPERATIONS)
        for index, operation in enumerate(operations)
        if operation not in _OPERATIONS
    ]
    errors += _validate_list(rule.get("apiGroups") or [], f"{path}.apiGroups", "API groups", "string")
    errors += _validate_list(versions, f"{path}.apiVersions", "API versions", "string")
    errors += [fe.required(f"{path}.apiVersions[{index}]") for index, version in enumerate(versions) if not version]
    errors += _validate_resources(rule.get("resources") or [], f"{path}.resources")
    scope = rule.get("scope")
    if scope is not None and scope not in _SCOPES:
        errors.append(fe.not_supported(f"{path}.scope", scope, _SCOPES))
    return errors


def _validate_list(values: Sequence[str], path: str, called: str, type_name: str) -> list[FieldError]:
    if not values:
        return [fe.required(path)]
    if len(values) == 1 or "*" not in values:
        return []
    text = f"if '*' is present, must not specify other {called}"
    return [fe.invalid(path, named_strings(type_name, values), text)]


def _validate_resources(resources: Sequence[str], path: str) -> list[FieldError]:
    """Wildcards of resources and of subresources take in what others name, so that those would be superfluous."""
    errors: list[FieldError] = [] if resources else [fe.required(path)]
    whole: set[str] = set()  # resources named with all their subresources
    everywhere: set[str] = set()  # subresources named of all resources
    plain = False  # as the reference does, only what stands last counts
    for index, name in enumerate(resources):
        here = f"{path}[{index}]"
        if not name:
            errors.append(fe.required(here))
            continue
        resource, slash, part = name.partition("/")
        if not slash:
            plain = name != "*"
            continue
        if resource in whole:
            errors.append(fe.invalid(here, name, f"if '{resource}/*' is present, must not specify {name}"))
        if part in everywhere:
            errors.append(fe.invalid(here, name, f"if '*/{part}' is present, must not specify {name}"))
        if part == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(part)
    shown = named_strings("string", resources)
    if len(resources) > 1 and "*/*" in resources:
        errors.append(fe.invalid(path, shown, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and plain:
        text = "if '*' is present, must not specify other resources without subresources"
        errors.append(fe.invalid(path, shown, text))
    return errors
