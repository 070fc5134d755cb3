"""Rules for where a pod may run: node selectors, affinity, tolerations, spreading. Pure.

Also used for the node affinity of PersistentVolumes and the scheduling of RuntimeClasses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.gosyntax import pointer, struct
from api.validation import names
from api.validation.labelselector import validate_label_selector
from api.validation.objectmeta import validate_label_name
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_SPREAD_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_SPREAD_POLICIES = ("Honor", "Ignore")
_NOT_OPERATOR = "not a valid selector operator"


def validate_affinity(affinity: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """Node affinity, pod affinity and pod anti-affinity."""
    if node := affinity.get("nodeAffinity"):
        here = f"{path}.nodeAffinity"
        if REQUIRED in node:
            validate_node_selector(node[REQUIRED], f"{here}.{REQUIRED}", errors)
        for index, term in enumerate(node.get(PREFERRED) or ()):
            field = f"{here}.{PREFERRED}[{index}]"
            _validate_weight(term, field, errors)
            _validate_node_term(term.get("preference") or {}, f"{field}.preference", errors)
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        for index, term in enumerate(rules.get(REQUIRED) or ()):
            _validate_pod_term(term, f"{path}.{kind}.{REQUIRED}[{index}]", errors)
        for index, term in enumerate(rules.get(PREFERRED) or ()):
            field = f"{path}.{kind}.{PREFERRED}[{index}]"
            _validate_weight(term, field, errors)
            _validate_pod_term(term.get("podAffinityTerm") or {}, f"{field}.podAffinityTerm", errors)


def _validate_weight(term: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    weight = term.get("weight") or 0
    if not 0 < weight <= 100:
        errors.append(fe.invalid(f"{path}.weight", weight, "must be in the range 1-100"))


def validate_node_selector(selector: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A node selector: at least one term."""
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        errors.append(fe.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term"))
    for index, term in enumerate(terms):
        _validate_node_term(term, f"{path}.nodeSelectorTerms[{index}]", errors)


def _validate_node_term(term: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    for index, requirement in enumerate(term.get("matchExpressions") or ()):
        _validate_requirement(requirement, f"{path}.matchExpressions[{index}]", errors)
    for index, requirement in enumerate(term.get("matchFields") or ()):
        _validate_field_requirement(requirement, f"{path}.matchFields[{index}]", errors)


def _validate_requirement(requirement: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            errors.append(fe.required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(fe.forbidden(f"{path}.values", text))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            text = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            errors.append(fe.required(f"{path}.values", text))
    else:
        errors.append(fe.invalid(f"{path}.operator", operator, _NOT_OPERATOR))
    errors += validate_label_name(requirement.get("key") or "", f"{path}.key")


def _validate_field_requirement(requirement: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    operator, values = requirement.get("operator") or "", requirement.get("values") or ()
    if operator not in ("In", "NotIn"):
        errors.append(fe.invalid(f"{path}.operator", operator, _NOT_OPERATOR))
    elif len(values) != 1:
        text = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(fe.required(f"{path}.values", text))
    key = requirement.get("key") or ""
    if key != "metadata.name":
        errors.append(fe.invalid(f"{path}.key", key, "not a valid field selector key"))
        return
    for index, value in enumerate(values):
        field = f"{path}.values[{index}]"
        errors.extend(fe.invalid(field, value, text) for text in names.dns1123_subdomain(value))


def _validate_pod_term(term: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    errors += validate_label_selector(term.get("labelSelector"), f"{path}.labelSelector")
    errors += validate_label_selector(term.get("namespaceSelector"), f"{path}.namespaceSelector")
    for namespace in term.get("namespaces") or ():
        errors.extend(fe.invalid(f"{path}.namespace", namespace, t) for t in names.dns1123_label(namespace))
    key = term.get("topologyKey") or ""
    if not key:
        errors.append(fe.required(f"{path}.topologyKey", "can not be empty"))
    errors += validate_label_name(key, f"{path}.topologyKey")


def toleration_value(toleration: Mapping[str, Any]) -> fe.GoSyntax:
    """core.Toleration{...}."""
    texts = {name: fe.go_quote(toleration.get(name.lower()) or "") for name in ("Key", "Operator", "Value", "Effect")}
    return struct("core.Toleration", **texts, TolerationSeconds=pointer("int64", toleration.get("tolerationSeconds")))


def validate_tolerations(tolerations: Sequence[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    """Tolerations, of a pod or of a RuntimeClass."""
    for index, toleration in enumerate(tolerations):
        here = f"{path}[{index}]"
        key, operator = toleration.get("key") or "", toleration.get("operator") or ""
        value, effect = toleration.get("value") or "", toleration.get("effect") or ""
        if key:
            errors += validate_label_name(key, f"{here}.key")
        elif operator != "Exists":
            text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            errors.append(fe.invalid(f"{here}.operator", operator, text))
        if "tolerationSeconds" in toleration and effect != "NoExecute":
            text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            errors.append(fe.invalid(f"{here}.effect", effect, text))
        if operator in ("Equal", ""):
            if problems := names.label_value(value):
                errors.append(fe.invalid(f"{here}.operator", value, ";".join(problems)))
        elif operator == "Exists":
            if value:
                text = "value must be empty when `operator` is 'Exists'"
                errors.append(fe.invalid(f"{here}.operator", toleration_value(toleration), text))
        else:
            errors.append(fe.not_supported(f"{here}.operator", operator, ("Equal", "Exists")))
        if effect and effect not in EFFECTS:
            errors.append(fe.not_supported(f"{here}.effect", effect, EFFECTS))


def validate_spread_constraints(constraints: Sequence[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    """topologySpreadConstraints: no pair of key and action twice."""
    for index, constraint in enumerate(constraints):
        here, skew = f"{path}[{index}]", constraint.get("maxSkew") or 0
        key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if skew <= 0:
            errors.append(fe.invalid(f"{here}.maxSkew", skew, "must be greater than zero"))
        if not key:
            errors.append(fe.required(f"{here}.topologyKey", "can not be empty"))
        if action not in _SPREAD_ACTIONS:
            errors.append(fe.not_supported(f"{here}.whenUnsatisfiable", action, _SPREAD_ACTIONS))
        rest = constraints[index + 1 :]
        if any(o.get("topologyKey") == key and o.get("whenUnsatisfiable") == action for o in rest):
            errors.append(fe.duplicate(f"{here}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"))
        _validate_domains(constraint.get("minDomains"), action, f"{here}.minDomains", errors)
        for field in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            policy = constraint.get(field)
            if policy is not None and policy not in _SPREAD_POLICIES:
                errors.append(fe.not_supported(f"{here}.{field}", policy, _SPREAD_POLICIES))
        if keys := constraint.get("matchLabelKeys"):
            _validate_match_keys(keys, constraint.get("labelSelector"), f"{here}.matchLabelKeys", errors)
        errors += validate_label_selector(constraint.get("labelSelector"), f"{here}.labelSelector")


def _validate_domains(domains: int | None, action: str, path: str, errors: list[FieldError]) -> None:
    if domains is None:
        return
    if domains <= 0:
        errors.append(fe.invalid(path, domains, "must be greater than zero"))
    if action != "DoNotSchedule":
        text = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(fe.invalid(path, domains, text))


def _validate_match_keys(
    keys: Sequence[str], selector: dict[str, Any] | None, path: str, errors: list[FieldError]
) -> None:
    if selector is None:
        errors.append(fe.forbidden(path, "must not be specified when labelSelector is not set"))
    selected = set((selector or {}).get("matchLabels") or ())
    selected |= {e.get("key") for e in (selector or {}).get("matchExpressions") or ()}
    for index, key in enumerate(keys):
        errors += validate_label_name(key, f"{path}[{index}]")
        if key in selected:
            errors.append(fe.invalid(f"{path}[{index}]", key, "exists in both matchLabelKeys and labelSelector"))
