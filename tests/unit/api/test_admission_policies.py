"""ValidatingAdmissionPolicies and their bindings: every rule, in the order of what is said."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.admissionregistration.policies import BINDING, POLICY, POLICY_STATUS
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, created, replaced

RULE = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
NEITHER = "validations or auditAnnotations must contain at least one item"
KIND = {"apiVersion": "v1", "kind": "ConfigMap"}
TRUE = {"expression": "true"}


def policy(**spec: Any) -> Object:
    wanted = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [TRUE], **spec}
    return {"metadata": {"name": "x"}, "spec": copy.deepcopy(wanted)}


def binding(**spec: Any) -> Object:
    return {"metadata": {"name": "x"}, "spec": {"policyName": "p", "validationActions": ["Deny"], **spec}}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, []),
        ({"failurePolicy": "Odd"}, ['failurePolicy: Unsupported value: "Odd": supported values: "Fail", "Ignore"']),
        ({"matchConstraints": None}, ["matchConstraints: Required value"]),
        (
            {"matchConstraints": {"matchPolicy": "Odd", "excludeResourceRules": [{**RULE, "operations": []}]}},
            [
                'matchConstraints.matchPolicy: Unsupported value: "Odd": supported values: "Equivalent", "Exact"',
                "matchConstraints.excludeResourceRules[0].operations: Required value",
                "matchConstraints.resourceRules: Required value",
            ],
        ),
        (
            {"matchConstraints": {"resourceRules": [{**RULE, "resourceNames": ["a/b", "c", "c"]}]}},
            [
                "matchConstraints.resourceRules[0].resourceNames[0]: Invalid value: \"a/b\": may not contain '/'",
                'matchConstraints.resourceRules[0].resourceNames[2]: Duplicate value: "c"',
            ],
        ),
        ({"validations": []}, [f"{field}: Required value: {NEITHER}" for field in ("validations", "auditAnnotations")]),
    ],
)
def test_policies(spec: dict[str, Any], told: list[str]) -> None:
    assert complaints(POLICY, policy(**spec)) == [f"spec.{text}" for text in told]


def test_a_policy_without_a_spec_has_defaults() -> None:
    assert complaints(POLICY, {"metadata": {"name": "x"}})[0] == "spec.matchConstraints: Required value"
    assert complaints(BINDING, {"metadata": {"name": "x"}})[0] == "spec.policyName: Required value"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (KIND, []),
        ({}, ["apiVersion: Required value", "kind: Required value"]),
        (
            {**KIND, "apiVersion": "a/b/c"},
            ['apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
        ),
        ({**KIND, "apiVersion": "a/"}, ['apiVersion: Invalid value: "a/": version must be specified']),
        ({**KIND, "apiVersion": "A/V"}, ['apiVersion: Invalid value: "A": ', 'apiVersion: Invalid value: "V": ']),
        ({**KIND, "kind": "1"}, ['kind: Invalid value: "1": may have mixed case, but should otherwise match: ']),
    ],
)
def test_kinds_of_parameters(kind: dict[str, Any], told: list[str]) -> None:
    found = complaints(POLICY, policy(paramKind=kind))
    assert len(found) == len(told)
    for error, start in zip(found, told, strict=True):
        assert error.startswith(f"spec.paramKind.{start}")


@pytest.mark.parametrize(
    ("validation", "told"),
    [
        ({"expression": " "}, ["expression: Required value: expression is not specified"]),
        (
            {**TRUE, "messageExpression": " ", "message": " "},
            [
                'messageExpression: Invalid value: " ": must be non-empty if specified',
                'message: Invalid value: " ": message must be non-empty if specified',
            ],
        ),
        ({**TRUE, "message": "a\rb"}, ['message: Invalid value: "a\\rb": message must not contain line breaks']),
        ({"expression": "true ||\nfalse"}, []),
        (
            {**TRUE, "reason": "Unauthorized"},
            [
                'reason: Unsupported value: "Unauthorized": supported values: "Forbidden", "Invalid", '
                '"RequestEntityTooLarge"'
            ],
        ),
    ],
)
def test_validations(validation: dict[str, Any], told: list[str]) -> None:
    assert complaints(POLICY, policy(validations=[validation])) == [f"spec.validations[0].{text}" for text in told]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"validations": [{"expression": "params.data.a == 'b'"}]}, "validations[0].expression"),
        ({"matchConditions": [{"name": "a", "expression": "params != null"}]}, "matchConditions[0].expression"),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "params.a"}]}, "auditAnnotations[0].valueExpression"),
        ({"variables": [{"name": "a", "expression": "params.a"}]}, "variables[0].expression"),
    ],
)
def test_parameters_are_seen_where_there_are_any(spec: dict[str, Any], field: str) -> None:
    assert complaints(POLICY, policy(paramKind=KIND, **spec)) == []
    (error,) = complaints(POLICY, policy(**spec))
    assert error.startswith(f"spec.{field}: Invalid value: ")


def test_match_conditions_may_name_the_namespace() -> None:
    conditions = [{"name": "a", "expression": "namespaceObject == null"}]
    assert complaints(POLICY, policy(matchConditions=conditions)) == []


def test_messages_ask_no_authorizer() -> None:
    text = "string(authorizer.group('').resource('pods').check('get').allowed())"
    (error,) = complaints(POLICY, policy(validations=[{**TRUE, "messageExpression": text}]))
    assert error.startswith("spec.validations[0].messageExpression: Invalid value: ")


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ({"name": "a", "expression": "1"}, []),
        (
            {},
            ["name: Required value: name is not specified", "expression: Required value: expression is not specified"],
        ),
        ({"name": "for", "expression": "1"}, ['name: Invalid value: "for": name is not a valid CEL identifier']),
        ({"name": "ä", "expression": "1"}, ['name: Invalid value: "ä": name is not a valid CEL identifier']),
    ],
)
def test_variables(variable: dict[str, Any], told: list[str]) -> None:
    assert complaints(POLICY, policy(variables=[variable])) == [f"spec.variables[0].{text}" for text in told]


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ([{"key": "a", "valueExpression": "'a'"}], []),
        (
            [{"key": "a", "valueExpression": " "}, {"key": "a", "valueExpression": "1"}],
            [
                "[0].valueExpression: Required value: valueExpression is not specified",
                '[1].valueExpression: Invalid value: "1": must evaluate to one of [string null_type]',
                '[1].key: Duplicate value: "a"',
            ],
        ),
        (
            [{"key": "a", "valueExpression": f"'{'a' * 5119}'"}],
            ["[0].valueExpression: Required value: must not exceed 5120 bytes in length"],
        ),
    ],
)
def test_audit_annotations(annotations: list[Any], told: list[str]) -> None:
    expected = [f"spec.auditAnnotations{text}" for text in told]
    assert complaints(POLICY, policy(auditAnnotations=annotations)) == expected


def test_keys_of_audit_annotations_are_shown_with_the_policy() -> None:
    (error,) = complaints(POLICY, policy(auditAnnotations=[{"key": "a/b", "valueExpression": "''"}]))
    assert error.startswith('spec.auditAnnotations[0].key: Invalid value: "x/a/b": a qualified name must consist of ')


def test_too_many_audit_annotations() -> None:
    annotations = [{"key": f"a{index}", "valueExpression": "''"} for index in range(21)]
    (error,) = complaints(POLICY, policy(auditAnnotations=annotations))
    start = "spec.auditAnnotations: Invalid value: []admissionregistration.AuditAnnotation{"
    first = 'admissionregistration.AuditAnnotation{Key:"a0", ValueExpression:"\'\'"}, '
    assert error.startswith(start + first)
    assert error.endswith(": must not have more than 20 auditAnnotations")


def test_match_conditions_that_stay_are_not_looked_at_again() -> None:
    broken = [{"name": "a", "expression": "1"}]
    _, errors = replaced(POLICY, policy(matchConditions=broken, failurePolicy="Ignore"), policy(matchConditions=broken))
    assert errors == []
    _, errors = replaced(POLICY, policy(matchConditions=broken, paramKind=KIND), policy(matchConditions=broken))
    assert errors == ['spec.matchConditions[0].expression: Invalid value: "1": must evaluate to bool']


def test_what_the_type_checker_writes() -> None:
    old = created(POLICY, policy())
    warnings = [{"fieldRef": "spec.validations[0].expression", "warning": "w"}, {"fieldRef": " "}]
    new = {**copy.deepcopy(old), "status": {"typeChecking": {"expressionWarnings": warnings}, "conditions": [{}]}}
    POLICY_STATUS.prepare_update(new, old)
    errors = [str(error) for error in POLICY_STATUS.validate_update(new, old)]
    assert errors[:2] == [
        "status.typeChecking.expressionWarnings[1].warning: Required value",
        "status.typeChecking.expressionWarnings[1].fieldRef: Required value",
    ]
    assert errors[2].startswith("status.conditions[0].")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, []),
        ({"policyName": ""}, ["policyName: Required value"]),
        (
            {"paramRef": {}},
            [
                "paramRef: Required value: one of name or selector must be specified",
                "paramRef.parameterNotFoundAction: Required value",
            ],
        ),
        (
            {"paramRef": {"name": "a/b", "selector": {}, "parameterNotFoundAction": "Odd"}},
            [
                "paramRef.name: Invalid value: \"a/b\": may not contain '/'",
                "paramRef.name: Forbidden: name and selector are mutually exclusive",
                "paramRef.selector: Forbidden: name and selector are mutually exclusive",
                'paramRef.parameterNotFoundAction: Unsupported value: "Odd": supported values: "Deny", "Allow"',
            ],
        ),
        ({"matchResources": {}}, []),
        ({"validationActions": []}, ["validationActions: Required value: at least one validation action is required"]),
        (
            {"validationActions": ["Odd", "Audit", "Audit"]},
            [
                'validationActions[0]: Unsupported value: "Odd": supported values: "Audit", "Deny", "Warn"',
                'validationActions[2]: Duplicate value: "Audit"',
            ],
        ),
        (
            {"validationActions": ["Deny", "Warn"]},
            [
                'validationActions: Invalid value: []admissionregistration.ValidationAction{"Deny", "Warn"}: must not '
                "contain both Deny and Warn (repeating the same validation failure information in the API response and "
                "headers serves no purpose)"
            ],
        ),
    ],
)
def test_bindings(spec: dict[str, Any], told: list[str]) -> None:
    assert complaints(BINDING, binding(**spec)) == [f"spec.{text}" for text in told]
