"""Roles, ClusterRoles and their bindings: defaults, rules, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.apps.rollout import compiled
from api.gosyntax import raw, string_list
from api.kind import Column, Strategy
from api.table import AGE, NAME, age
from api.validation import names
from api.validation.labelselector import validate_label_selector
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object

GROUP = "rbac.authorization.k8s.io"
ROLE_COLUMNS = (NAME, Column(name="Created At", type="date", description="When it was created."))
BINDING_COLUMNS = (
    NAME,
    Column(name="Role", description="What is granted."),
    AGE,
    Column(name="Users", priority=1, description="Users it is granted to."),
    Column(name="Groups", priority=1, description="Groups it is granted to."),
    Column(name="ServiceAccounts", priority=1, description="Service accounts it is granted to."),
)
_SUBJECTS = ("ServiceAccount", "User", "Group")


class _RbacStrategy(Strategy):
    """What all four kinds have in common."""

    allow_create_on_update = True

    def __init__(self, *, namespaced: bool) -> None:
        self.namespaced = namespaced

    def name_rule(self, name: str, prefix: bool) -> list[str]:
        """Whatever can stand in a URL: "system:node" is a name."""
        return names.path_segment_name(name, prefix)


class RoleStrategy(_RbacStrategy):
    """Role and ClusterRole."""

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateRole, ValidateClusterRole."""
        errors: list[FieldError] = []
        for index, rule in enumerate(obj.get("rules") or ()):
            errors += _validate_rule(rule, self.namespaced, f"rules[{index}]")
        aggregation = obj.get("aggregationRule")
        if aggregation is None or self.namespaced:
            return errors
        path, selectors = "aggregationRule.clusterRoleSelectors", aggregation.get("clusterRoleSelectors") or ()
        if not selectors:
            text = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            errors.append(fe.required(path, text))
        for index, selector in enumerate(selectors):
            errors += validate_label_selector(selector, f"{path}[{index}]")
            if compiled(selector) is None:
                # The reference shows the selector that could not be made, which is none.
                errors.append(fe.invalid(f"{path}[{index}]", None, "invalid label selector."))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateRole and ValidateRoleUpdate, so that every cause is told twice."""
        return self.validate(new) * 2


def _validate_rule(rule: Mapping[str, Any], namespaced: bool, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    if not rule.get("verbs"):
        errors.append(fe.required(f"{path}.verbs", "verbs must contain at least one value"))
    if urls := rule.get("nonResourceURLs"):
        shown = raw(string_list(urls))
        if namespaced:
            text = "namespaced rules cannot apply to non-resource URLs"
            errors.append(fe.invalid(f"{path}.nonResourceURLs", shown, text))
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            text = "rules cannot apply to both regular resources and non-resource URLs"
            errors.append(fe.invalid(f"{path}.nonResourceURLs", shown, text))
        return errors
    if not rule.get("apiGroups"):
        errors.append(fe.required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        errors.append(fe.required(f"{path}.resources", "resource rules must supply at least one resource"))
    return errors


class BindingStrategy(_RbacStrategy):
    """RoleBinding and ClusterRoleBinding."""

    def default(self, obj: Object) -> None:
        """The group of the role, and of users and groups, is RBAC's."""
        reference = obj.setdefault("roleRef", {"apiGroup": "", "kind": "", "name": ""})
        if not reference.get("apiGroup"):
            reference["apiGroup"] = GROUP
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
                subject["apiGroup"] = GROUP

    def validate(self, obj: Object) -> list[FieldError]:
        """ValidateRoleBinding, ValidateClusterRoleBinding."""
        reference = obj["roleRef"]
        group, kind, name = (reference.get(field) or "" for field in ("apiGroup", "kind", "name"))
        kinds = ("Role", "ClusterRole") if self.namespaced else ("ClusterRole",)
        errors: list[FieldError] = []
        if group != GROUP:
            errors.append(fe.not_supported("roleRef.apiGroup", group, (GROUP,)))
        if kind not in kinds:
            errors.append(fe.not_supported("roleRef.kind", kind, kinds))
        if not name:
            errors.append(fe.required("roleRef.name"))
        errors.extend(fe.invalid("roleRef.name", name, text) for text in names.path_segment_name(name))
        for index, subject in enumerate(obj.get("subjects") or ()):
            errors += _validate_subject(subject, self.namespaced, f"subjects[{index}]")
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """ValidateRoleBinding and ValidateRoleBindingUpdate, so that every cause is told twice: the role stays."""
        errors = self.validate(new) * 2
        reference = new["roleRef"]
        if reference != old["roleRef"]:
            group, kind, name = (fe.go_quote(reference.get(field) or "") for field in ("apiGroup", "kind", "name"))
            shown = raw(f"rbac.RoleRef{{APIGroup:{group}, Kind:{kind}, Name:{name}}}")
            errors.append(fe.invalid("roleRef", shown, "cannot change roleRef"))
        return errors


def _validate_subject(subject: Mapping[str, Any], namespaced: bool, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    group, kind, name = (subject.get(field) or "" for field in ("apiGroup", "kind", "name"))
    if not name:
        errors.append(fe.required(f"{path}.name"))
    if kind == "ServiceAccount":
        problems = names.dns1123_subdomain(name) if name else []
        errors.extend(fe.invalid(f"{path}.name", name, text) for text in problems)
        if group:
            errors.append(fe.not_supported(f"{path}.apiGroup", group, ("",)))
        if not namespaced and not subject.get("namespace"):
            errors.append(fe.required(f"{path}.namespace"))
    elif kind in _SUBJECTS:
        if group != GROUP:
            errors.append(fe.not_supported(f"{path}.apiGroup", group, (GROUP,)))
    else:
        errors.append(fe.not_supported(f"{path}.kind", kind, _SUBJECTS))
    return errors


def role_cells(role: Object, now: datetime) -> list[Any]:
    """One row of roles."""
    return [role["metadata"].get("name"), role["metadata"].get("creationTimestamp")]


def binding_cells(binding: Object, now: datetime) -> list[Any]:
    """One row of bindings."""
    reference, subjects = binding.get("roleRef") or {}, binding.get("subjects") or ()
    named: dict[str, list[str]] = {kind: [] for kind in _SUBJECTS}
    for subject in subjects:
        kind, name = subject.get("kind") or "", subject.get("name") or ""
        if kind == "ServiceAccount":
            name = f"{subject.get('namespace') or ''}/{name}"
        named.setdefault(kind, []).append(name)
    return [
        binding["metadata"].get("name"),
        f"{reference.get('kind') or ''}/{reference.get('name') or ''}",
        age(binding, now),
        ", ".join(named["User"]),
        ", ".join(named["Group"]),
        ", ".join(named["ServiceAccount"]),
    ]


ROLE, CLUSTER_ROLE = RoleStrategy(namespaced=True), RoleStrategy(namespaced=False)
ROLE_BINDING, CLUSTER_ROLE_BINDING = BindingStrategy(namespaced=True), BindingStrategy(namespaced=False)
