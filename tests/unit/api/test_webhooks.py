"""Webhook configurations: names, versions, rules, clients, in the reference's order and values."""

from __future__ import annotations

from typing import Any

import pytest

from api.admissionregistration.webhooks import MUTATING, VALIDATING
from apimachinery.objects import Object
from tests.unit.api.samples import complaints

RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
HOOK = {
    "name": "a.b.c",
    "clientConfig": {"url": "https://a/b"},
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "rules": [RULE],
}


OTHERS = "if '*' is present, must not specify other {}"


def configuration(*hooks: dict[str, Any]) -> Object:
    return {"metadata": {"name": "x"}, "webhooks": [{**HOOK, **hook} for hook in hooks]}


def told(hook: dict[str, Any]) -> list[str]:
    """What is wrong with one webhook."""
    errors = complaints(MUTATING, configuration(hook))
    assert all(error.startswith("webhooks[0].") for error in errors)
    return [error.removeprefix("webhooks[0].") for error in errors]


def of_rule(**fields: Any) -> list[str]:
    return [error.removeprefix("rules[0].") for error in told({"rules": [{**RULE, **fields}]})]


def test_a_good_one() -> None:
    assert complaints(VALIDATING, configuration(HOOK)) == []


def test_names_that_are_absent_are_not_the_same() -> None:
    errors = complaints(VALIDATING, configuration({"name": ""}, {"name": ""}, {}, {}))
    assert errors == [
        "webhooks[0].name: Required value",
        "webhooks[1].name: Required value",
        'webhooks[3].name: Duplicate value: "a.b.c"',
    ]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], ["admissionReviewVersions: Required value: must specify one of v1, v1beta1"]),
        (["v1", "v1"], ['admissionReviewVersions[1]: Invalid value: "v1": duplicate version']),
        (
            ["v2"],
            ['admissionReviewVersions: Invalid value: []string{"v2"}: must include at least one of v1, v1beta1'],
        ),
    ],
)
def test_review_versions(versions: list[str], expected: list[str]) -> None:
    assert told({"admissionReviewVersions": versions}) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"operations": ["*", "CREATE"]},
            [
                'operations: Invalid value: []admissionregistration.OperationType{"*", "CREATE"}: '
                "if '*' is present, must not specify other operations"
            ],
        ),
        (
            {"apiGroups": ["*", "apps"], "apiVersions": ["", "*"]},
            [
                'apiGroups: Invalid value: []string{"*", "apps"}: ' + OTHERS.format("API groups"),
                'apiVersions: Invalid value: []string{"", "*"}: ' + OTHERS.format("API versions"),
                "apiVersions[0]: Required value",
            ],
        ),
        ({"resources": ["pods", "pods/status", "*/scale", "deployments/log"]}, []),
        (
            {"resources": ["pods/*", "pods/status", "*/scale", "deployments/scale", ""]},
            [
                "resources[1]: Invalid value: \"pods/status\": if 'pods/*' is present, must not specify pods/status",
                'resources[3]: Invalid value: "deployments/scale": '
                "if '*/scale' is present, must not specify deployments/scale",
                "resources[4]: Required value",
            ],
        ),
        (
            {"resources": ["*", "pods"]},
            [
                'resources: Invalid value: []string{"*", "pods"}: '
                "if '*' is present, must not specify other resources without subresources"
            ],
        ),
        ({"resources": ["pods", "*"]}, []),  # the reference looks only at the last
        (
            {"resources": ["*/*", "pods"]},
            [
                'resources: Invalid value: []string{"*/*", "pods"}: '
                "if '*/*' is present, must not specify other resources"
            ],
        ),
        ({"scope": "Odd"}, ['scope: Unsupported value: "Odd": supported values: "*", "Cluster", "Namespaced"']),
    ],
)
def test_rules(fields: dict[str, Any], expected: list[str]) -> None:
    assert of_rule(**fields) == expected


def test_the_client_is_looked_at_after_the_reinvocation() -> None:
    assert told({"clientConfig": {}, "reinvocationPolicy": "Odd"}) == [
        'reinvocationPolicy: Unsupported value: "Odd": supported values: "IfNeeded", "Never"',
        "clientConfig: Required value: exactly one of url or service is required",
    ]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"name": "s", "namespace": "n", "path": "/a/b/"}, []),
        # The reference mistakes the one for the other.
        ({"namespace": "n"}, ["namespace: Required value: service namespace is required"]),
        ({"name": "s"}, ["name: Required value: service name is required"]),
        ({"name": "s", "namespace": "n", "path": "//"}, ['path: Invalid value: "//": segment[0] may not be empty']),
        (
            {"name": "s", "namespace": "n", "path": "/a//b"},
            ['path: Invalid value: "/a//b": segment[1] may not be empty'],
        ),
    ],
)
def test_services(service: dict[str, Any], expected: list[str]) -> None:
    assert told({"clientConfig": {"service": service}}) == [f"clientConfig.service.{text}" for text in expected]


def test_a_url_without_host() -> None:
    assert told({"clientConfig": {"url": "https:///a"}}) == [
        'clientConfig.url: Invalid value: "": host must be provided; desired format: https://host[/path]'
    ]
