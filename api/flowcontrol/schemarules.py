"""Rules of FlowSchemas: precedence, subjects and requests (pkg/apis/flowcontrol/validation). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.gosyntax import raw, string_list, struct
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_MAX_PRECEDENCE = 10_000
_METHODS = ("ByNamespace", "ByUser")
_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
#: The field of each kind of subject, in the order in which fields of other kinds are told of.
_SUBJECTS = {"ServiceAccount": "serviceAccount", "User": "user", "Group": "group"}
_NOT_A_NAMESPACE = "each member of this list must be '*' or a DNS-1123 label; "


def validate_schema_spec(spec: Mapping[str, Any], name: str) -> list[FieldError]:
    """The spec of the FlowSchema of that name."""
    errors = _validate_precedence(spec.get("matchingPrecedence") or 0, name, "spec.matchingPrecedence")
    method = spec.get("distinguisherMethod")
    if method is not None and method.get("type") not in _METHODS:
        shown = struct("flowcontrol.FlowDistinguisherMethod", Type=fe.go_quote(method.get("type") or ""))
        errors.append(fe.not_supported("spec.distinguisherMethod.type", shown, _METHODS))
    level, path = (spec.get("priorityLevelConfiguration") or {}).get("name"), "spec.priorityLevelConfiguration.name"
    if not level:
        errors.append(fe.required(path, "must reference a priority level"))
    else:
        errors += [fe.invalid(path, level, text) for text in names.dns1123_subdomain(level)]
    for index, rule in enumerate(spec.get("rules") or ()):
        errors += _validate_rule(rule, f"spec.rules[{index}]")
    return errors


def _validate_precedence(precedence: int, name: str, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if precedence <= 0:
        errors.append(fe.invalid(path, precedence, "must be a positive value"))
    if precedence > _MAX_PRECEDENCE:
        errors.append(fe.invalid(path, precedence, f"must not be greater than {_MAX_PRECEDENCE}"))
    if precedence == 1 and name != "exempt":
        text = "only the schema named 'exempt' may have matchingPrecedence 1"
        errors.append(fe.invalid(path, precedence, text))
    return errors


def _validate_rule(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    subjects, resources, others = (rule.get(f) or () for f in ("subjects", "resourceRules", "nonResourceRules"))
    if not subjects:
        errors.append(fe.required(f"{path}.subjects", "subjects must contain at least one value"))
    for index, subject in enumerate(subjects):
        errors += _validate_subject(subject, f"{path}.subjects[{index}]")
    if not resources and not others:
        text = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(fe.required(path, text))
    for index, part in enumerate(resources):
        errors += _validate_resources(part, f"{path}.resourceRules[{index}]")
    for index, part in enumerate(others):
        errors += _validate_urls(part, f"{path}.nonResourceRules[{index}]")
    return errors


def _validate_subject(subject: Mapping[str, Any], path: str) -> list[FieldError]:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        return [fe.not_supported(f"{path}.kind", kind, sorted(_SUBJECTS))]
    errors = _validate_named(kind, subject.get(_SUBJECTS[kind]), f"{path}.{_SUBJECTS[kind]}")
    errors += [
        fe.forbidden(f"{path}.{field}", f"{field} is forbidden when subject kind is not '{other}'")
        for other, field in _SUBJECTS.items()
        if other != kind and subject.get(field) is not None
    ]
    return errors


def _validate_named(kind: str, subject: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    if subject is None:
        return [fe.required(path, f"{_SUBJECTS[kind]} is required when subject kind is '{kind}'")]
    name = subject.get("name") or ""
    errors = [] if name else [fe.required(f"{path}.name")]
    if kind != "ServiceAccount":
        return errors
    if name and name != "*":
        errors += [fe.invalid(f"{path}.name", name, text) for text in names.dns1123_subdomain(name)]
    if namespace := subject.get("namespace"):
        errors += [fe.invalid(f"{path}.namespace", namespace, text) for text in names.dns1123_label(namespace)]
    else:
        errors.append(fe.required(f"{path}.namespace", "must specify namespace for service account"))
    return errors


def _validate_resources(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    for field, called in (("apiGroups", "api group"), ("resources", "resource")):
        values = rule.get(field) or []
        if not values:
            errors.append(fe.required(f"{path}.{field}", f"resource rules must supply at least one {called}"))
        errors += _only_wildcard(values, f"{path}.{field}", f"{called}s")
    namespaces = rule.get("namespaces") or []
    if not namespaces and not rule.get("clusterScope"):
        text = "resource rules that are not cluster scoped must supply at least one namespace"
        errors.append(fe.required(f"{path}.namespaces", text))
    if "*" in namespaces:
        return errors + _only_wildcard(namespaces, f"{path}.namespaces", "namespaces")
    for index, name in enumerate(namespaces):
        problems = names.dns1123_label(name)
        errors += [fe.invalid(f"{path}.namespaces[{index}]", name, _NOT_A_NAMESPACE + text) for text in problems]
    return errors


def _validate_verbs(verbs: Sequence[str], path: str) -> list[FieldError]:
    if not verbs:
        return [fe.required(path, "verbs must contain at least one value")]
    if "*" in verbs:
        return _only_wildcard(verbs, path, "verbs")
    return [] if set(verbs) <= set(_VERBS) else [fe.not_supported(path, raw(string_list(verbs)), _VERBS)]


def _only_wildcard(values: Sequence[str], path: str, called: str) -> list[FieldError]:
    if len(values) <= 1 or "*" not in values:
        return []
    return [fe.invalid(path, raw(string_list(values)), f"if '*' is present, must not specify other {called}")]


def _validate_urls(rule: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = _validate_verbs(rule.get("verbs") or [], f"{path}.verbs")
    urls, field = rule.get("nonResourceURLs") or [], f"{path}.nonResourceURLs"
    if not urls:
        return [*errors, fe.required(field, "nonResourceURLs must contain at least one value")]
    if "*" in urls:
        return errors + _only_wildcard(urls, field, "non-resource URLs")
    for index, url in enumerate(urls):
        if problem := _url_problem(url):
            errors.append(fe.invalid(f"{field}[{index}]", url, problem))
    return errors


def _url_problem(url: str) -> str:
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count("*")
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""
