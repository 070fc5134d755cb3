"""Ingresses, their classes and NetworkPolicies: warnings, tables, and rules that need more than one row."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.networking.ingress import INGRESS, INGRESS_CLASS, ingress_cells
from api.networking.networkpolicy import NETWORK_POLICY
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, created, replaced

ANNOTATION = "kubernetes.io/ingress.class"


def named(spec: dict[str, Any], **metadata: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "ns", **metadata}, "spec": spec}


BACKEND = {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}
OLD = {ANNOTATION: "nginx"}


def test_the_old_annotation_may_not_say_something_else() -> None:
    assert complaints(INGRESS, named({**BACKEND, "ingressClassName": "other"}, annotations=OLD)) == [
        f'annotations.{ANNOTATION}: Invalid value: "nginx": must match `ingressClassName` when both are specified'
    ]


@pytest.mark.parametrize(("spec", "warned"), [({}, True), ({"ingressClassName": "nginx"}, False)])
def test_the_old_annotation_is_warned_of_where_it_stands_alone(spec: dict[str, Any], warned: bool) -> None:
    obj = named({**BACKEND, **spec}, annotations=OLD)
    text = f"annotation \"{ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"
    assert INGRESS.warnings(obj, None) == ([text] if warned else [])
    assert INGRESS.warnings(obj, obj) == []


@pytest.mark.parametrize(
    ("hosts", "shown"),
    [
        ([], "*"),
        ([""], "*"),
        (["a", "b", "c"], "a,b,c"),
        (["a", "b", "c", "d"], "a,b,c + 1 more..."),
        (["a", "b", "c", ""], "a,b,c + 1 more..."),
    ],
)
def test_the_column_of_hosts(hosts: list[str], shown: str) -> None:
    rules = [{"host": host} if host else {} for host in hosts]
    obj = named({"rules": rules}, creationTimestamp="2024-01-01T00:00:00Z")
    assert ingress_cells(obj, datetime(2024, 1, 1, tzinfo=UTC))[2] == shown


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"scope": "Namespace"}, "Required value: `parameters.scope` is set to 'Namespace'"),
        ({"scope": "Namespace", "namespace": "A"}, 'Invalid value: "A": a lowercase RFC 1123 label must consist of'),
        ({"namespace": "ns"}, "Forbidden: `parameters.scope` is set to 'Cluster'"),
    ],
)
def test_namespaces_of_parameters(parameters: dict[str, Any], told: str) -> None:
    spec = {"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", **parameters}}
    (error,) = complaints(INGRESS_CLASS, named(spec))
    assert error.startswith(f"spec.parameters.namespace: {told}")


def test_the_scope_of_parameters_is_the_cluster() -> None:
    spec = {"controller": "a.b/c", "parameters": {"kind": "K", "name": "n", "scope": None}}  # as it is decoded
    assert complaints(INGRESS_CLASS, named(spec)) == []


def test_nothing_is_said_of_exceptions_after_one_that_is_no_network() -> None:
    block = {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "nonsense", "12.0.0.0/16"]}
    path = "spec.ingress[0].from[0].ipBlock.except"
    assert complaints(NETWORK_POLICY, named({"ingress": [{"from": [{"ipBlock": block}]}]})) == [
        f'{path}[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        f'{path}[1]: Invalid value: "nonsense": not a valid CIDR',
    ]


def test_an_update_of_a_policy_tells_of_every_cause_twice() -> None:
    old = created(NETWORK_POLICY, named({"podSelector": {}}))
    _, errors = replaced(NETWORK_POLICY, named({"podSelector": {}, "policyTypes": ["Odd"]}), old)
    assert errors == ['spec.policyTypes[0]: Unsupported value: "Odd": supported values: "Ingress", "Egress"'] * 2
