"""FlowSchemas and priority levels that there must always be, and what nobody may change in them. Pure.

(pkg/apis/flowcontrol/internalbootstrap.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.gosyntax import pointer, string_list, struct, typed_list
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError, GoSyntax
from apimachinery.objects import Object

EVERYTHING: Final[Mapping[str, Any]] = {
    "resourceRules": [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "namespaces": ["*"], "clusterScope": True}
    ],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
}


def _groups(*names: str) -> list[Object]:
    return [{"kind": "Group", "group": {"name": name}} for name in names]


#: Specs by name.
SCHEMAS: Final[Mapping[str, Object]] = {
    "exempt": {
        "priorityLevelConfiguration": {"name": "exempt"},
        "matchingPrecedence": 1,
        "rules": [{"subjects": _groups("system:masters"), **EVERYTHING}],
    },
    "catch-all": {
        "priorityLevelConfiguration": {"name": "catch-all"},
        "matchingPrecedence": 10000,
        "distinguisherMethod": {"type": "ByUser"},
        "rules": [{"subjects": _groups("system:unauthenticated", "system:authenticated"), **EVERYTHING}],
    },
}
LEVELS: Final[Mapping[str, Object]] = {
    "exempt": {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}},
    "catch-all": {
        "type": "Limited",
        "limited": {"nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": {"type": "Reject"}},
    },
}


def validate_fixed_schema(spec: Mapping[str, Any], name: str) -> list[FieldError]:
    """The spec of a mandatory FlowSchema is what it is."""
    wanted = SCHEMAS.get(name)
    if wanted is None or _said(spec) == _said(wanted):
        return []
    return [fe.invalid("spec", _schema_value(spec), f"spec of '{name}' must equal the fixed value")]


def validate_fixed_level(spec: Mapping[str, Any], name: str, shares: str) -> list[FieldError]:
    """So is that of a mandatory level, but for what the exempt one lends; `shares` as in `validate_level_spec`."""
    wanted = LEVELS.get(name)
    if wanted is None:
        return []
    is_exempt = name == "exempt"
    if is_exempt:
        wanted = {**wanted, "exempt": spec.get("exempt")}
    elif limited := spec.get("limited"):
        renamed = {"nominalConcurrencyShares" if field == shares else field: limited[field] for field in limited}
        spec = {**spec, "limited": renamed}
    if _said(spec) == _said(wanted):
        return []
    but = " except the 'spec.exempt' field" if is_exempt else ""
    return [fe.invalid("spec", _level_value(spec), f"spec of '{name}'{but} must equal the fixed value")]


def _said(value: Any) -> Any:
    """The value without what says nothing, as Go's semantic equality takes it."""
    if isinstance(value, Mapping):
        fields = {key: _said(each) for key, each in value.items()}
        return {key: each for key, each in fields.items() if not (each is None or each is False or each == [])}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _level_value(spec: Mapping[str, Any]) -> GoSyntax:
    return struct(
        "flowcontrol.PriorityLevelConfigurationSpec",
        Type=fe.go_quote(spec.get("type") or ""),
        Limited=pointer("flowcontrol.LimitedPriorityLevelConfiguration", spec.get("limited")),
        Exempt=pointer("flowcontrol.ExemptPriorityLevelConfiguration", spec.get("exempt")),
    )


def _schema_value(spec: Mapping[str, Any]) -> GoSyntax:
    level = fe.go_quote((spec.get("priorityLevelConfiguration") or {}).get("name") or "")
    rules = [_rule_value(each) for each in spec["rules"]] if spec.get("rules") else None
    return struct(
        "flowcontrol.FlowSchemaSpec",
        PriorityLevelConfiguration=struct("flowcontrol.PriorityLevelConfigurationReference", Name=level),
        MatchingPrecedence=str(spec.get("matchingPrecedence") or 0),
        DistinguisherMethod=pointer("flowcontrol.FlowDistinguisherMethod", spec.get("distinguisherMethod")),
        Rules=typed_list("flowcontrol.PolicyRulesWithSubjects", rules),
    )


def _rule_value(rule: Mapping[str, Any]) -> GoSyntax:
    parts = {
        "Subjects": ("Subject", "subjects", _subject_value),
        "ResourceRules": ("ResourcePolicyRule", "resourceRules", _resource_rule_value),
        "NonResourceRules": ("NonResourcePolicyRule", "nonResourceRules", _other_rule_value),
    }
    shown = {
        go: typed_list(f"flowcontrol.{kind}", [value(each) for each in rule[field]] if rule.get(field) else None)
        for go, (kind, field, value) in parts.items()
    }
    return struct("flowcontrol.PolicyRulesWithSubjects", **shown)


def _subject_value(subject: Mapping[str, Any]) -> GoSyntax:
    return struct(
        "flowcontrol.Subject",
        Kind=fe.go_quote(subject.get("kind") or ""),
        User=pointer("flowcontrol.UserSubject", subject.get("user")),
        Group=pointer("flowcontrol.GroupSubject", subject.get("group")),
        ServiceAccount=pointer("flowcontrol.ServiceAccountSubject", subject.get("serviceAccount")),
    )


def _resource_rule_value(rule: Mapping[str, Any]) -> GoSyntax:
    return struct(
        "flowcontrol.ResourcePolicyRule",
        Verbs=_texts(rule.get("verbs")),
        APIGroups=_texts(rule.get("apiGroups")),
        Resources=_texts(rule.get("resources")),
        ClusterScope="true" if rule.get("clusterScope") else "false",
        Namespaces=_texts(rule.get("namespaces")),
    )


def _other_rule_value(rule: Mapping[str, Any]) -> GoSyntax:
    urls = _texts(rule.get("nonResourceURLs"))
    return struct("flowcontrol.NonResourcePolicyRule", Verbs=_texts(rule.get("verbs")), NonResourceURLs=urls)


def _texts(values: list[str] | None) -> str:
    return string_list(values) if values else "[]string(nil)"
