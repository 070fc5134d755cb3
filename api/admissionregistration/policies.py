"""ValidatingAdmissionPolicies and their bindings: defaults, rules, tables. Pure but for loading the CEL library.

(KEP-3488; admissionregistration.k8s.io v1alpha1 and v1beta1 of v1.28, which have the same fields.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from api.admissionregistration.expressions import VARIABLES, expression_error, validate_match_conditions
from api.admissionregistration.rules import validate_rule
from api.kind import Column
from api.strategies import STATUS_METADATA, SpecStrategy, StatusStrategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery.cel.environment import CompileError, Environment
from apimachinery.cel.types import BOOL, DOUBLE, DYN, INT, STRING, Type, object_of
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

POLICY_COLUMNS: Final = (
    NAME,
    Column(name="Validations", type="integer", description="How many validations there are."),
    Column(name="ParamKind", description="The kind of the objects that parametrize the policy."),
    AGE,
)
BINDING_COLUMNS: Final = (
    NAME,
    Column(name="PolicyName", description="The policy that is put in force."),
    Column(name="ParamRef", description="The object that parametrizes the policy."),
    AGE,
)
_UNSET: Final = "<unset>"
_POLICIES: Final = ("Fail", "Ignore")
_MATCHES: Final = ("Equivalent", "Exact")
_ACTIONS: Final = ("Audit", "Deny", "Warn")
_REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_NOT_FOUND: Final = ("Allow", "Deny")
_RESULTS: Final[Mapping[str, Type]] = {"bool": BOOL, "int": INT, "double": DOUBLE, "string": STRING}


class PolicyStrategy(SpecStrategy):
    """What is forbidden, and of what."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """SetDefaults_ValidatingAdmissionPolicySpec."""
        spec = obj.get("spec")
        if not isinstance(spec, dict):
            return
        spec.setdefault("failurePolicy", "Fail")
        _default_match(spec.get("matchConstraints"))

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicy."""
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        if spec.get("failurePolicy") not in _POLICIES:
            errors.append(fe.not_supported("spec.failurePolicy", spec.get("failurePolicy") or "", _POLICIES))
        if spec.get("paramKind") is not None:
            errors += _validate_param_kind(spec["paramKind"], "spec.paramKind")
        if spec.get("matchConstraints") is None:
            errors.append(fe.required("spec.matchConstraints"))
        else:
            errors += _validate_match(spec["matchConstraints"], "spec.matchConstraints", rules_needed=True)
        errors += validate_match_conditions(spec.get("matchConditions") or (), "spec.matchConditions")
        return errors + _validate_expressions(spec)


class BindingStrategy(SpecStrategy):
    """Where, and with which parameters, a policy is in force."""

    allow_unconditional_update = False
    standard_finalizers = False

    def default(self, obj: Object) -> None:
        """The defaults of its matchResources."""
        _default_match((obj.get("spec") or {}).get("matchResources"))

    def prepare_create(self, obj: Object) -> None:
        """The first generation; there is no status."""
        obj["metadata"]["generation"] = 1

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateValidatingAdmissionPolicyBinding."""
        spec = obj.get("spec") or {}
        errors: list[FieldError] = []
        name = spec.get("policyName") or ""
        if not name:
            errors.append(fe.required("spec.policyName"))
        else:
            errors += [fe.invalid("spec.policyName", name, text) for text in names.dns1123_subdomain(name)]
        errors += _validate_param_ref(spec.get("paramRef"), "spec.paramRef")
        if spec.get("matchResources") is not None:
            errors += _validate_match(spec["matchResources"], "spec.matchResources", rules_needed=False)
        return errors + _validate_actions(spec.get("validationActions") or [], "spec.validationActions")


def _default_match(match: Any) -> None:
    if not isinstance(match, dict):
        return
    match.setdefault("matchPolicy", "Equivalent")
    match.setdefault("namespaceSelector", {})
    match.setdefault("objectSelector", {})
    for rule in [*(match.get("resourceRules") or ()), *(match.get("excludeResourceRules") or ())]:
        rule.setdefault("scope", "*")


def _validate_param_kind(kind: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not kind.get("apiVersion"):
        errors.append(fe.required(f"{path}.apiVersion"))
    elif kind["apiVersion"].count("/") > 1:
        text = f"unexpected GroupVersion string: {kind['apiVersion']}"
        errors.append(fe.invalid(f"{path}.apiVersion", kind["apiVersion"], text))
    if not kind.get("kind"):
        errors.append(fe.required(f"{path}.kind"))
    elif problems := names.dns1035_label(kind["kind"].lower()):
        text = "may have mixed case, but should otherwise match: " + ",".join(problems)
        errors.append(fe.invalid(f"{path}.kind", kind["kind"], text))
    return errors


def _validate_match(match: Mapping[str, Any], path: str, *, rules_needed: bool) -> list[FieldError]:
    errors: list[FieldError] = []
    if match.get("matchPolicy") not in _MATCHES:
        errors.append(fe.not_supported(f"{path}.matchPolicy", match.get("matchPolicy") or "", _MATCHES))
    for field in ("namespaceSelector", "objectSelector"):
        errors += validate_label_selector(match.get(field), f"{path}.{field}")
    rules = match.get("resourceRules") or ()
    if rules_needed and not rules:
        errors.append(fe.required(f"{path}.resourceRules"))
    for index, rule in enumerate(rules):
        errors += validate_rule(rule, f"{path}.resourceRules[{index}]")
    for index, rule in enumerate(match.get("excludeResourceRules") or ()):
        errors += validate_rule(rule, f"{path}.excludeResourceRules[{index}]")
    return errors


def _validate_param_ref(ref: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    if ref is None:
        return []
    errors: list[FieldError] = []
    name, selector = ref.get("name") or "", ref.get("selector")
    if name and selector is not None:
        errors.append(fe.forbidden(f"{path}.name", "name and selector are mutually exclusive"))
    elif not name and selector is None:
        errors.append(fe.required(path, "one of name or selector must be specified"))
    elif selector is not None:
        errors += validate_label_selector(selector, f"{path}.selector")
    action = ref.get("parameterNotFoundAction")
    if action is None:
        errors.append(fe.required(f"{path}.parameterNotFoundAction"))
    elif action not in _NOT_FOUND:
        errors.append(fe.not_supported(f"{path}.parameterNotFoundAction", action, _NOT_FOUND))
    return errors


def _validate_actions(actions: Sequence[str], path: str) -> list[FieldError]:
    if not actions:
        return [fe.required(path)]
    errors: list[FieldError] = []
    for index, action in enumerate(actions):
        if action not in _ACTIONS:
            errors.append(fe.not_supported(f"{path}[{index}]", action, _ACTIONS))
        if action in actions[:index]:
            errors.append(fe.duplicate(f"{path}[{index}]", action))
    if "Deny" in actions and "Warn" in actions:
        text = "must not contain both Deny and Warn (repeating the same validation failure information in the API "
        errors.append(fe.invalid(path, list(actions), text + "response and headers serves no purpose)"))
    return errors


def _validate_expressions(spec: Mapping[str, Any]) -> list[FieldError]:
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    errors: list[FieldError] = []
    if not validations and not annotations:
        text = "validations or auditAnnotations must contain at least one item"
        errors.append(fe.required("spec.validations", text))
    known = {**VARIABLES, "params": DYN, "namespaceObject": DYN}
    composed: dict[str, Type] = {}
    for index, variable in enumerate(spec.get("variables") or ()):
        errors += _validate_variable(variable, f"spec.variables[{index}]", known, composed)
    environment = Environment({**known, "variables": object_of("variables", composed)})
    for index, validation in enumerate(validations):
        errors += _validate_validation(validation, f"spec.validations[{index}]", environment)
    for index, annotation in enumerate(annotations):
        errors += _validate_annotation(annotation, f"spec.auditAnnotations[{index}]", environment)
    return errors


def _validate_variable(
    variable: Mapping[str, Any], path: str, known: Mapping[str, Type], composed: dict[str, Type]
) -> list[FieldError]:
    """A variable sees those before it."""
    name, text = variable.get("name") or "", variable.get("expression") or ""
    if not name:
        return [fe.required(f"{path}.name", "name is not specified")]
    if name in composed:
        return [fe.duplicate(f"{path}.name", name)]
    if not name.isidentifier():
        return [fe.invalid(f"{path}.name", name, "name is not a valid CEL identifier")]
    if not text.strip():
        return [fe.required(f"{path}.expression", "expression is not specified")]
    try:
        found = Environment({**known, "variables": object_of("variables", dict(composed))}).check(text)
    except CompileError as error:
        composed[name] = DYN
        return [fe.invalid(f"{path}.expression", text, f"compilation failed: {error}")]
    composed[name] = _RESULTS.get(found.result, DYN)
    return []


def _validate_validation(validation: Mapping[str, Any], path: str, environment: Environment) -> list[FieldError]:
    text, message = (validation.get("expression") or "").strip(), validation.get("message") or ""
    errors: list[FieldError] = []
    if not text:
        errors.append(fe.required(f"{path}.expression", "expression is not specified"))
    else:
        errors += expression_error(validation["expression"], f"{path}.expression", environment)
    if message and not message.strip():
        errors.append(fe.invalid(f"{path}.message", message, "message must be non-empty if specified"))
    elif "\n" in message.strip():
        errors.append(fe.invalid(f"{path}.message", message, "message must not contain line breaks"))
    elif "\n" in text and not message:
        errors.append(fe.required(f"{path}.message", "message must be specified if expression contains line breaks"))
    if said := validation.get("messageExpression"):
        errors += expression_error(said, f"{path}.messageExpression", environment, "string")
    reason = validation.get("reason")
    if reason is not None and reason not in _REASONS:
        errors.append(fe.not_supported(f"{path}.reason", reason, _REASONS))
    return errors


def _validate_annotation(annotation: Mapping[str, Any], path: str, environment: Environment) -> list[FieldError]:
    key, text = annotation.get("key") or "", annotation.get("valueExpression") or ""
    errors: list[FieldError] = []
    if not key.strip():
        errors.append(fe.required(f"{path}.key"))
    else:
        errors += [fe.invalid(f"{path}.key", key, problem) for problem in names.qualified_name(key)]
    if not text.strip():
        return [*errors, fe.required(f"{path}.valueExpression", "valueExpression is not specified")]
    try:
        found = environment.check(text)
    except CompileError as error:
        return [*errors, fe.invalid(f"{path}.valueExpression", text, f"compilation failed: {error}")]
    if found.result not in ("string", "null_type", "null", "dyn"):
        errors.append(fe.invalid(f"{path}.valueExpression", text, "must evaluate to one of [string null_type]"))
    return errors


def policy_cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    spec = obj.get("spec") or {}
    kind = spec.get("paramKind") or {}
    shown = f"{kind.get('apiVersion') or ''}/{kind.get('kind') or ''}" if kind else _UNSET
    return [obj["metadata"].get("name"), len(spec.get("validations") or ()), shown, age(obj, now)]


def binding_cells(obj: Object, now: datetime) -> list[Any]:
    """One row."""
    spec = obj.get("spec") or {}
    ref = spec.get("paramRef") or {}
    name = f"{ref['namespace']}/{ref.get('name') or ''}" if ref.get("namespace") else ref.get("name") or "*"
    return [obj["metadata"].get("name"), spec.get("policyName") or "", name if ref else _UNSET, age(obj, now)]


POLICY, BINDING = PolicyStrategy(), BindingStrategy()
POLICY_STATUS = StatusStrategy(POLICY, keep_metadata=STATUS_METADATA)
