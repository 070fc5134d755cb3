"""Rules of ValidatingAdmissionPolicies and their bindings. Pure but for loading the CEL library.

(pkg/apis/admissionregistration/validation.)"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from api.admissionregistration.expressions import (
    VARIABLES,
    expression_error,
    result_type,
    validate_match_conditions,
    with_variables,
)
from api.admissionregistration.rules import validate_rule
from api.gosyntax import named_strings, struct, typed_list
from api.validation import names
from api.validation.conditions import validate_conditions
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery.cel.environment import CompileError, Environment
from apimachinery.cel.types import DYN, Type, object_of
from apimachinery.fielderrors import FieldError

_POLICIES: Final = ("Fail", "Ignore")
_MATCHES: Final = ("Equivalent", "Exact")
_ACTIONS: Final = ("Audit", "Deny", "Warn")
_REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge")
_NOT_FOUND: Final = ("Deny", "Allow")
_MAX_ANNOTATIONS, _MAX_VALUE_EXPRESSION = 20, 5 * 1024
_IDENTIFIER: Final = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED: Final = frozenset((
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
))  # fmt: skip


def validate_policy_spec(spec: Mapping[str, Any], name: str, *, conditions: bool = True) -> list[FieldError]:
    """The spec of a policy called `name`; `conditions`: whether its matchConditions are looked at."""
    errors: list[FieldError] = []
    has_params = spec.get("paramKind") is not None
    if spec.get("failurePolicy") not in _POLICIES:
        errors.append(fe.not_supported("spec.failurePolicy", spec.get("failurePolicy") or "", _POLICIES))
    if has_params:
        errors += _validate_param_kind(spec["paramKind"], "spec.paramKind")
    constraints = spec.get("matchConstraints")
    if constraints is None:
        errors.append(fe.required("spec.matchConstraints"))
    else:
        errors += _validate_match(constraints, "spec.matchConstraints")
        if not constraints.get("resourceRules"):
            errors.append(fe.required("spec.matchConstraints.resourceRules"))
    if conditions:
        path = "spec.matchConditions"
        errors += validate_match_conditions(spec.get("matchConditions") or (), path, params=has_params)
    return errors + _validate_expressions(spec, name, has_params=has_params)


def validate_policy_status(status: Mapping[str, Any]) -> list[FieldError]:
    """What the type checker wrote."""
    errors: list[FieldError] = []
    for index, warning in enumerate((status.get("typeChecking") or {}).get("expressionWarnings") or ()):
        path = f"status.typeChecking.expressionWarnings[{index}]"
        if not warning.get("warning"):
            errors.append(fe.required(f"{path}.warning"))
        if not (warning.get("fieldRef") or "").strip():
            errors.append(fe.required(f"{path}.fieldRef"))
    return errors + validate_conditions(status.get("conditions") or (), "status.conditions")


def validate_binding_spec(spec: Mapping[str, Any]) -> list[FieldError]:
    """The spec of a binding."""
    errors: list[FieldError] = []
    name = spec.get("policyName") or ""
    if not name:
        errors.append(fe.required("spec.policyName"))
    else:
        errors += [fe.invalid("spec.policyName", name, text) for text in names.dns1123_subdomain(name)]
    if spec.get("paramRef") is not None:
        errors += _validate_param_ref(spec["paramRef"], "spec.paramRef")
    if spec.get("matchResources") is not None:
        errors += _validate_match(spec["matchResources"], "spec.matchResources")
    return errors + _validate_actions(spec.get("validationActions") or [], "spec.validationActions")


def _validate_param_kind(kind: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    given, called = kind.get("apiVersion") or "", kind.get("kind") or ""
    group, _, version = given.rpartition("/")
    if not given:
        errors.append(fe.required(f"{path}.apiVersion"))
    elif given.count("/") > 1:
        errors.append(fe.invalid(f"{path}.apiVersion", given, f"unexpected GroupVersion string: {given}"))
    else:
        if group and (problems := names.dns1123_subdomain(group)):
            errors.append(fe.invalid(f"{path}.apiVersion", group, ",".join(problems)))
        if not version:
            errors.append(fe.invalid(f"{path}.apiVersion", given, "version must be specified"))
        elif problems := names.dns1035_label(version):
            errors.append(fe.invalid(f"{path}.apiVersion", version, ",".join(problems)))
    if not called:
        errors.append(fe.required(f"{path}.kind"))
    elif problems := names.dns1035_label(called.lower()):
        text = "may have mixed case, but should otherwise match: " + ",".join(problems)
        errors.append(fe.invalid(f"{path}.kind", called, text))
    return errors


def _validate_match(match: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if match.get("matchPolicy") not in _MATCHES:
        errors.append(fe.not_supported(f"{path}.matchPolicy", match.get("matchPolicy") or "", _MATCHES))
    for field in ("namespaceSelector", "objectSelector"):
        errors += validate_label_selector(match.get(field), f"{path}.{field}")
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(field) or ()):
            errors += _validate_named_rule(rule, f"{path}.{field}[{index}]")
    return errors


def _validate_named_rule(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    wanted = rule.get("resourceNames") or ()
    for index, name in enumerate(wanted):
        here = f"{path}.resourceNames[{index}]"
        errors += [fe.invalid(here, name, text) for text in names.path_segment_name(name, prefix=False)]
        if name in wanted[:index]:
            errors.append(fe.duplicate(here, name))
    return errors + validate_rule(rule, path)


def _validate_param_ref(ref: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    name, selector = ref.get("name") or "", ref.get("selector")
    both = "name and selector are mutually exclusive"
    if name:
        errors += [fe.invalid(f"{path}.name", name, text) for text in names.path_segment_name(name, prefix=False)]
        if selector is not None:
            errors.append(fe.forbidden(f"{path}.name", both))
    if selector is not None:
        errors += validate_label_selector(selector, f"{path}.selector")
        if name:
            errors.append(fe.forbidden(f"{path}.selector", both))
    if not name and selector is None:
        errors.append(fe.required(path, "one of name or selector must be specified"))
    action = ref.get("parameterNotFoundAction")
    if not action:
        errors.append(fe.required(f"{path}.parameterNotFoundAction"))
    elif action not in _NOT_FOUND:
        errors.append(fe.not_supported(f"{path}.parameterNotFoundAction", action, _NOT_FOUND))
    return errors


def _validate_actions(actions: Sequence[str], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.append(fe.not_supported(f"{path}[{index}]", action, _ACTIONS))
        if action in actions[:index]:
            errors.append(fe.duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        shown = named_strings("admissionregistration.ValidationAction", actions)
        text = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        errors.append(fe.invalid(path, shown, text + "response and headers serves no purpose)"))
    if not actions:
        errors.append(fe.required(path, "at least one validation action is required"))
    return errors


def _validate_expressions(spec: Mapping[str, Any], name: str, *, has_params: bool) -> list[FieldError]:
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    errors: list[FieldError] = []
    known = {**VARIABLES, **({"params": DYN} if has_params else {})}
    composed: dict[str, Type] = {}
    for index, variable in enumerate(spec.get("variables") or ()):
        errors += _validate_variable(variable, f"spec.variables[{index}]", known, composed)
    if not validations and not annotations:
        text = "validations or auditAnnotations must contain at least one item"
        return [*errors, fe.required("spec.validations", text), fe.required("spec.auditAnnotations", text)]
    known["variables"] = object_of("variables", composed)
    environment = Environment(known)
    for_messages = Environment({key: value for key, value in known.items() if key != "authorizer"})
    for index, validation in enumerate(validations):
        errors += _validate_validation(validation, f"spec.validations[{index}]", environment, for_messages)
    if len(annotations) > _MAX_ANNOTATIONS:
        text = f"must not have more than {_MAX_ANNOTATIONS} auditAnnotations"
        errors.append(fe.invalid("spec.auditAnnotations", _annotation_list(annotations), text))
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        path, key = f"spec.auditAnnotations[{index}]", annotation.get("key") or ""
        errors += _validate_annotation(annotation, path, name, environment)
        if key in seen:
            errors.append(fe.duplicate(f"{path}.key", key))
        seen.add(key)
    return errors


def _annotation_list(annotations: Sequence[Mapping[str, Any]]) -> fe.GoSyntax:
    fields = {"Key": "key", "ValueExpression": "valueExpression"}
    name = "admissionregistration.AuditAnnotation"
    shown = [struct(name, **{go: fe.go_quote(each.get(f) or "") for go, f in fields.items()}) for each in annotations]
    return typed_list(name, shown)


def _validate_variable(
    variable: Mapping[str, Any], path: str, known: Mapping[str, Type], composed: dict[str, Type]
) -> list[FieldError]:
    """A variable sees those before it."""
    name, text = variable.get("name") or "", variable.get("expression") or ""
    errors: list[FieldError] = []
    if not name.strip():
        errors.append(fe.required(f"{path}.name", "name is not specified"))
    elif not _IDENTIFIER.fullmatch(name) or name in _RESERVED:
        errors.append(fe.invalid(f"{path}.name", name, "name is not a valid CEL identifier"))
    if not text.strip():
        return [*errors, fe.required(f"{path}.expression", "expression is not specified")]
    result = DYN
    try:
        found = with_variables(known, composed).check(text)
        result = result_type(found)
    except CompileError as error:
        errors.append(fe.invalid(f"{path}.expression", text, f"compilation failed: {error}"))
    if _IDENTIFIER.fullmatch(name):
        composed[name] = result
    return errors


def _validate_validation(
    validation: Mapping[str, Any], path: str, environment: Environment, for_messages: Environment
) -> list[FieldError]:
    text, said = validation.get("expression") or "", validation.get("messageExpression") or ""
    message = validation.get("message") or ""
    errors: list[FieldError] = []
    if not text.strip():
        errors.append(fe.required(f"{path}.expression", "expression is not specified"))
    else:
        errors += expression_error(text, f"{path}.expression", environment)
    if said and not said.strip():
        errors.append(fe.invalid(f"{path}.messageExpression", said, "must be non-empty if specified"))
    elif said:
        errors += expression_error(said, f"{path}.messageExpression", for_messages, "string")
    if message and not message.strip():
        errors.append(fe.invalid(f"{path}.message", message, "message must be non-empty if specified"))
    elif "\n" in message.strip() or "\r" in message.strip():
        errors.append(fe.invalid(f"{path}.message", message, "message must not contain line breaks"))
    reason = validation.get("reason")
    if reason is not None and reason not in _REASONS:
        errors.append(fe.not_supported(f"{path}.reason", reason, _REASONS))
    return errors


def _validate_annotation(
    annotation: Mapping[str, Any], path: str, policy: str, environment: Environment
) -> list[FieldError]:
    key, given = f"{policy}/{annotation.get('key') or ''}", annotation.get("valueExpression") or ""
    here, text = f"{path}.valueExpression", given.strip()
    errors = [fe.invalid(f"{path}.key", key, problem) for problem in names.qualified_name(key)]
    if not text:
        return [*errors, fe.required(here, "valueExpression is not specified")]
    if len(text.encode()) > _MAX_VALUE_EXPRESSION:
        return [*errors, fe.required(here, f"must not exceed {_MAX_VALUE_EXPRESSION} bytes in length")]
    try:
        found = environment.check(text)
    except CompileError as error:
        return [*errors, fe.invalid(here, given, f"compilation failed: {error}")]
    if found.result not in ("string", "null_type", "null", "dyn"):
        errors.append(fe.invalid(here, given, "must evaluate to one of [string null_type]"))
    return errors
