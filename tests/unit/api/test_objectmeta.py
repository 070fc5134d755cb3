"""The rules of metadata."""

from __future__ import annotations

from typing import Any

import pytest

from api.apiextensions.crd import CUSTOM_RESOURCE_DEFINITION, CUSTOM_RESOURCE_DEFINITION_STATUS
from api.coordination.lease import LEASE
from api.core.pod.strategy import POD, POD_STATUS
from api.kind import Strategy
from api.validation.names import dns1123_subdomain
from api.validation.objectmeta import validate_kube_finalizers, validate_object_meta, validate_object_meta_update

GOOD = {"name": "a", "namespace": "ns", "resourceVersion": "1"}
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}


def created(**fields: Any) -> list[str]:
    return [str(error) for error in validate_object_meta({**GOOD, **fields}, True, dns1123_subdomain)]


def test_good_metadata_breaks_no_rule() -> None:
    owners = [{**OWNER, "controller": True}, {**OWNER, "name": "m"}]
    assert (
        created(
            labels={"a.io/b": "c"}, annotations={"A.io/B": "any thing"}, finalizers=["a.io/b"], ownerReferences=owners
        )
        == []
    )


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain'),
        ({"generateName": "A_x-"}, 'metadata.generateName: Invalid value: "A_x-": a lowercase'),
        ({"namespace": ""}, "metadata.namespace: Required value"),
        ({"namespace": "a.b"}, 'metadata.namespace: Invalid value: "a.b": must not contain dots'),
        ({"labels": {"a b": "c"}}, 'metadata.labels: Invalid value: "a b": name part must consist'),
        ({"labels": {"a": "c d"}}, 'metadata.labels: Invalid value: "c d": a valid label must be'),
        ({"annotations": {"a": "x" * 300_000}}, "metadata.annotations: Too long: must have at most 262144 bytes"),
        ({"ownerReferences": [{**OWNER, "uid": ""}]}, 'metadata.ownerReferences.uid: Invalid value: "": must not be'),
        ({"generation": -1}, "metadata.generation: Invalid value: -1: must be greater than or equal to 0"),
        ({"finalizers": ["mine"]}, 'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard'),
    ],
)
def test_one_broken_rule(fields: dict[str, Any], start: str) -> None:
    errors = created(**fields)
    assert len(errors) == 1
    assert errors[0].startswith(start)


def test_only_one_controller() -> None:
    owners = [{**OWNER, "controller": True}, {**OWNER, "name": "m", "controller": True}]
    assert any(
        "Only one reference can have Controller set to true" in error for error in created(ownerReferences=owners)
    )


def test_cluster_scoped_objects_have_no_namespace() -> None:
    errors = validate_object_meta(GOOD, False, dns1123_subdomain)
    assert [str(error) for error in errors] == ["metadata.namespace: Forbidden: not allowed on this type"]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ({}, {}, []),
        ({"name": "b"}, {}, ['metadata.name: Invalid value: "b": field is immutable']),
        ({"uid": "2"}, {"uid": "1"}, ['metadata.uid: Invalid value: "2": field is immutable']),
        ({"resourceVersion": ""}, {}, ['metadata.resourceVersion: Invalid value: "": must be specified for an update']),
        ({"generation": 1}, {"generation": 2}, ["metadata.generation: Invalid value: 1: must not be decremented"]),
        (
            {"finalizers": ["a.io/new"], "deletionTimestamp": "t"},
            {"deletionTimestamp": "t"},
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
                'found new finalizers []string{"a.io/new"}'
            ],
        ),
    ],
)
def test_updates(new: dict[str, Any], old: dict[str, Any], expected: list[str]) -> None:
    errors = validate_object_meta_update({**GOOD, **new}, {**GOOD, **old})
    assert [str(error) for error in errors] == expected


def test_finalizers_without_a_domain_are_kubernetes_own_at_every_write() -> None:
    errors = [str(error) for error in validate_kube_finalizers({"finalizers": ["a.io/b", "orphan", "mine"]})]
    assert errors == [
        'metadata.finalizers[2]: Invalid value: "mine": name is neither a standard finalizer name '
        "nor is it fully qualified"
    ]


@pytest.mark.parametrize(
    ("strategy", "asked"),
    [
        (POD, True),
        (POD_STATUS, True),
        (CUSTOM_RESOURCE_DEFINITION, False),
        (CUSTOM_RESOURCE_DEFINITION_STATUS, False),
        (LEASE, False),
    ],
)
def test_kinds_that_extend_the_api_may_have_any_finalizer(strategy: Strategy, asked: bool) -> None:
    assert strategy.standard_finalizers is asked
