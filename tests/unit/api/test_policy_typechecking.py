"""What of a policy's expressions does not fit the types that it is about."""

from __future__ import annotations

from typing import Any

import pytest

from api.admissionregistration.typechecking import expression_warnings, named_resources
from apimachinery.cel.openapitypes import type_of
from apimachinery.cel.types import Type

_SCHEMAS: dict[str, Any] = {
    "Deployment": {
        "type": "object",
        "properties": {
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}]},
            "spec": {"allOf": [{"$ref": "#/components/schemas/Spec"}], "description": "What is wanted."},
        },
    },
    "Meta": {
        "type": "object",
        "properties": {"labels": {"type": "object", "additionalProperties": {"type": "string"}}},
    },
    "Spec": {
        "type": "object",
        "properties": {
            "replicas": {"type": "integer"},
            "anything": {"type": "object"},
            "port": {"type": "string", "format": "int-or-string"},
            "odd": {"$ref": "#/components/schemas/Missing"},
            "inner": {"type": "array", "items": {"$ref": "#/components/schemas/Spec"}},
        },
    },
}


def kind(shown: str = "Deployment") -> Type:
    found = type_of("Deployment", _SCHEMAS, shown)
    assert found is not None
    return found


def warnings(*expressions: str, params: Type | None = None, **spec: Any) -> list[Any]:
    validations = [{"expression": text} for text in expressions]
    types = {"apps/v1, Kind=Deployment": kind()}
    return expression_warnings({"validations": validations, **spec}, types, params)


@pytest.mark.parametrize(
    "text",
    [
        "object.spec.replicas > 1",
        "has(object.metadata.labels.a) && object.metadata.labels['b'] == 'c'",
        "object.spec.anything.at.all == 1",
        "object.spec.port == 1 || object.spec.port == 'http'",
        "object.spec.odd.x",
        "object.spec.inner.all(each, each.replicas == 'dyn within itself')",
        "oldObject == null || oldObject.kind == object.kind",
        "authorizer.group('').resource('pods').check('get').allowed()",
    ],
)
def test_what_fits_or_is_not_known(text: str) -> None:
    assert warnings(text) == []


def test_what_does_not_fit_is_told_with_its_place() -> None:
    (told,) = warnings("object.spec.replicas > 1", "object.replicas > 1")
    assert told["fieldRef"] == "spec.validations[1].expression"
    assert told["warning"] == (
        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n"
    )


def test_messages_variables_and_parameters_count() -> None:
    spec = {"validations": [{"expression": "true", "messageExpression": "'x' + string(object.spec.replica)"}]}
    (told,) = expression_warnings(spec, {"a": kind()}, None)
    assert told["fieldRef"] == "spec.validations[0].messageExpression"
    variables = [
        {"name": "many", "expression": "object.spec.replicas > 5"},
        {"name": "wrong", "expression": "object.x"},
        {"name": "not", "expression": "!variables.many"},
    ]
    assert warnings("variables.not && variables.wrong == 1", variables=variables) == []
    (told,) = warnings("variables.many > 1", variables=variables)
    assert "no matching overload" in told["warning"]
    asked = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert warnings("params.data.x == 'y'", paramKind=asked) == []
    assert len(warnings("params.data.x == 'y'", paramKind=asked, params=kind())) == 1


def test_each_type_is_told_of() -> None:
    types = {"apps/v1, Kind=A": kind(), "apps/v1, Kind=B": kind()}
    (told,) = expression_warnings({"validations": [{"expression": "object.x"}]}, types, None)
    assert told["warning"].count("undefined field 'x'") == 2
    assert "......^\n\napps/v1, Kind=B: ERROR" in told["warning"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ((["apps", ""], ["v1"], ["pods", "pods/status", "*"]), [("", "v1", "pods"), ("apps", "v1", "pods")]),
        ((["*"], ["v1"], ["pods"]), []),
        (([""], ["*"], ["pods"]), []),
    ],
)
def test_resources_that_a_rule_names(rule: tuple[list[str], ...], found: list[tuple[str, str, str]]) -> None:
    groups, versions, resources = rule
    assert named_resources({"apiGroups": groups, "apiVersions": versions, "resources": resources}) == found
