"""FlowSchemas and PriorityLevelConfigurations: rules of requests, subjects and queues."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.flowcontrol import mandatory
from api.flowcontrol.priority import FLOW_SCHEMA, FLOW_SCHEMA_STATUS, LEVEL, LEVEL_STATUS, LEVEL_V1BETA2
from api.gosyntax import ADDRESS
from api.kind import Strategy
from apimachinery.objects import Object
from tests.unit.api.samples import complaints

SUBJECT = {"kind": "User", "user": {"name": "*"}}
REQUESTS = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
URLS = {"verbs": ["get"], "nonResourceURLs": ["/healthz"]}
NO_NAMESPACE = "resource rules that are not cluster scoped must supply at least one namespace"
REJECT = {"limitResponse": {"type": "Reject"}}
FIXED_LEVEL = {
    "exempt": "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value",
    "catch-all": "spec of 'catch-all' must equal the fixed value",
}
RULE = {"subjects": [SUBJECT], "resourceRules": [REQUESTS], "nonResourceRules": [URLS]}


def schema(**rule: Any) -> Object:
    spec = {"priorityLevelConfiguration": {"name": "l"}, "rules": [{**RULE, **rule}]}
    return {"metadata": {"name": "x"}, "spec": spec}


def told(**rule: Any) -> list[str]:
    return [error.removeprefix("spec.rules[0].") for error in complaints(FLOW_SCHEMA, schema(**rule))]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (SUBJECT, []),
        ({"kind": "Odd"}, ['kind: Unsupported value: "Odd": supported values: "Group", "ServiceAccount", "User"']),
        ({"kind": "Group"}, ["group: Required value: group is required when subject kind is 'Group'"]),
        (
            {**SUBJECT, "user": {}, "group": {}, "serviceAccount": {}},
            [
                "user.name: Required value",
                "serviceAccount: Forbidden: serviceAccount is forbidden when subject kind is not 'ServiceAccount'",
                "group: Forbidden: group is forbidden when subject kind is not 'Group'",
            ],
        ),
        (
            {"kind": "ServiceAccount", "serviceAccount": {"name": "*"}},
            ["serviceAccount.namespace: Required value: must specify namespace for service account"],
        ),
    ],
)
def test_subjects(subject: dict[str, Any], expected: list[str]) -> None:
    assert told(subjects=[subject]) == [f"subjects[0].{text}" for text in expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"verbs": []}, ["verbs: Required value: verbs must contain at least one value"]),
        (
            {"verbs": ["*", "get"]},
            ['verbs: Invalid value: []string{"*", "get"}: if \'*\' is present, must not specify other verbs'],
        ),
        (
            {"verbs": ["odd"]},
            [
                'verbs: Unsupported value: []string{"odd"}: supported values: "create", "delete", "deletecollection", '
                '"get", "list", "patch", "proxy", "update", "watch"'
            ],
        ),
        (
            {"apiGroups": [], "resources": []},
            [
                "apiGroups: Required value: resource rules must supply at least one api group",
                "resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            {"namespaces": []},
            [f"namespaces: Required value: {NO_NAMESPACE}"],
        ),
        ({"namespaces": [], "clusterScope": True}, []),
        (
            {"namespaces": ["a.b"]},
            [
                "namespaces[0]: Invalid value: \"a.b\": each member of this list must be '*' or a DNS-1123 label; "
                "must not contain dots"
            ],
        ),
    ],
)
def test_requests(fields: dict[str, Any], expected: list[str]) -> None:
    assert told(resourceRules=[{**REQUESTS, **fields}]) == [f"resourceRules[0].{text}" for text in expected]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("/", ""),
        ("/a/*", ""),
        ("", "must not be empty"),
        ("a", "must start with slash"),
        ("/a b", "must not contain white-space"),
        ("/a//b", "must not contain double slash"),
        ("/a*", "wildcard can only do suffix matching"),
    ],
)
def test_urls(url: str, problem: str) -> None:
    errors = told(nonResourceRules=[{**URLS, "nonResourceURLs": [url]}])
    path = "nonResourceRules[0].nonResourceURLs[0]"
    assert errors == ([f'{path}: Invalid value: "{url}": {problem}'] if problem else [])


def level(name: str = "x", kind: str = "Limited", **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {"type": kind, **spec}}


def limited(**queuing: int) -> dict[str, Any]:
    return {"limitResponse": {"type": "Queue", "queuing": queuing}}


HAND = "spec.limited.limitResponse.queuing.handSize"
EXEMPT = "type must be 'Exempt' if and only if name is 'exempt'"


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (level(limited=limited()), []),
        (level("exempt", "Exempt"), []),
        (level("x", "Exempt"), [f'spec.type: Invalid value: "Exempt": {EXEMPT}']),
        (
            level("exempt", limited=limited()),
            [
                f'spec.type: Invalid value: "Limited": {EXEMPT}',
                'spec: Invalid value: flowcontrol.PriorityLevelConfigurationSpec{Type:"Limited", '
                f"Limited:(*flowcontrol.LimitedPriorityLevelConfiguration)({ADDRESS}), "
                f"Exempt:(*flowcontrol.ExemptPriorityLevelConfiguration)(nil)}}: {FIXED_LEVEL['exempt']}",
            ],
        ),
        (
            level("exempt", "Exempt", exempt={"nominalConcurrencyShares": -1, "lendablePercent": 101}),
            [
                "spec.exempt.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
                "spec.exempt.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
            ],
        ),
        (
            level(limited={**limited(handSize=70), "lendablePercent": -1}),
            [
                f"{HAND}: Invalid value: 70: should not be greater than queues (64)",
                "spec.limited.lendablePercent: Invalid value: -1: must be between 0 and 100, inclusive",
            ],
        ),
        (
            level(limited=limited(queues=64, handSize=11)),
            [
                f"{HAND}: Invalid value: 11: required entropy bits of deckSize 64 "
                "and handSize 11 should not be greater than 60"
            ],
        ),
    ],
)
def test_levels(obj: Object, expected: list[str]) -> None:
    assert complaints(LEVEL, obj) == expected


def test_v1beta2_is_told_of_its_own_field() -> None:
    errors = complaints(LEVEL_V1BETA2, level(limited={**limited(), "assuredConcurrencyShares": -1}))
    assert errors == ["spec.limited.assuredConcurrencyShares: Invalid value: -1: must be positive"]


@pytest.mark.parametrize("strategy", [FLOW_SCHEMA_STATUS, LEVEL_STATUS])
def test_types_of_conditions(strategy: Strategy) -> None:
    new = {"status": {"conditions": [{"type": "A"}, {"type": "A"}, {}]}}
    assert [str(error) for error in strategy.validate_update(new, {})] == [
        'status.conditions[1].type: Duplicate value: "A"',
        "status.conditions[2].type: Required value: must not be empty",
    ]


@pytest.mark.parametrize("name", ["exempt", "catch-all"])
def test_what_mandatory_schemas_and_levels_say_is_fixed(name: str) -> None:
    for strategy, specs, told in (
        (FLOW_SCHEMA, mandatory.SCHEMAS, f"spec of '{name}' must equal the fixed value"),
        (LEVEL, mandatory.LEVELS, FIXED_LEVEL[name]),
    ):
        obj = {"metadata": {"name": name}, "spec": copy.deepcopy(specs[name])}
        assert complaints(strategy, obj) == []
        changed = copy.deepcopy(obj)
        changed["spec"] |= {"matchingPrecedence": 5000, "type": "Limited", "limited": {"nominalConcurrencyShares": 9}}
        assert complaints(strategy, changed)[-1].endswith(told)


def test_mandatory_schemas_say_it_in_other_words() -> None:
    obj = {"metadata": {"name": "catch-all"}, "spec": copy.deepcopy(mandatory.SCHEMAS["catch-all"])}
    rule = obj["spec"]["rules"][0]
    rule["resourceRules"][0]["namespaces"], rule["subjects"][0]["user"] = ["*"], None
    assert complaints(FLOW_SCHEMA, obj) == []
    rule["resourceRules"][0]["clusterScope"] = False
    assert complaints(FLOW_SCHEMA, obj) == [
        "spec: Invalid value: flowcontrol.FlowSchemaSpec{PriorityLevelConfiguration:flowcontrol."
        'PriorityLevelConfigurationReference{Name:"catch-all"}, MatchingPrecedence:10000, DistinguisherMethod:'
        f"(*flowcontrol.FlowDistinguisherMethod)({ADDRESS}), Rules:[]flowcontrol.PolicyRulesWithSubjects"
        "{flowcontrol.PolicyRulesWithSubjects{Subjects:[]flowcontrol.Subject{"
        f"{group_value()}, {group_value()}"
        '}, ResourceRules:[]flowcontrol.ResourcePolicyRule{flowcontrol.ResourcePolicyRule{Verbs:[]string{"*"}, '
        'APIGroups:[]string{"*"}, Resources:[]string{"*"}, ClusterScope:false, Namespaces:[]string{"*"}}}, '
        'NonResourceRules:[]flowcontrol.NonResourcePolicyRule{flowcontrol.NonResourcePolicyRule{Verbs:[]string{"*"}, '
        "NonResourceURLs:[]string{\"*\"}}}}}}: spec of 'catch-all' must equal the fixed value"
    ]


def group_value() -> str:
    return (
        f'flowcontrol.Subject{{Kind:"Group", User:(*flowcontrol.UserSubject)(nil), Group:(*flowcontrol.GroupSubject)'
        f"({ADDRESS}), ServiceAccount:(*flowcontrol.ServiceAccountSubject)(nil)}}"
    )


@pytest.mark.parametrize(
    ("name", "spec", "fine"),
    [
        ("exempt", {"type": "Exempt", "exempt": {"nominalConcurrencyShares": 7, "lendablePercent": 9}}, True),
        ("catch-all", {"type": "Limited", "limited": {"nominalConcurrencyShares": 5, **REJECT}}, True),
        ("catch-all", {"type": "Limited", "limited": {"nominalConcurrencyShares": 6, **REJECT}}, False),
    ],
)
def test_what_of_mandatory_levels_may_change(name: str, spec: dict[str, Any], fine: bool) -> None:
    assert (complaints(LEVEL, {"metadata": {"name": name}, "spec": spec}) == []) is fine
    if "limited" in spec:
        limited = {f.replace("nominal", "assured"): value for f, value in spec["limited"].items()}
        spec = {**spec, "limited": limited}
        assert (complaints(LEVEL_V1BETA2, {"metadata": {"name": name}, "spec": spec}) == []) is fine
