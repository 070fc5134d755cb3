"""CustomResourceDefinitions: defaults, what is remembered, rules, structural schemas."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.apiextensions.crd import CUSTOM_RESOURCE_DEFINITION as DEFINITION
from api.apiextensions.crd import CUSTOM_RESOURCE_DEFINITION_STATUS as STATUS
from apimachinery.fielderrors import FieldError
from apimachinery.objects import Object
from tests.unit.api.samples import created, replaced

SCALE = {"specReplicasPath": ".x", "statusReplicasPath": ".status.r"}
NAMES = {"plural": "widgets", "kind": "Widget"}


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


def version(name: str = "v1", **fields: Any) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {"name": name, "served": True, "storage": True, "schema": schema, **fields}


def definition(**spec: Any) -> Object:
    body = {"group": "example.com", "scope": "Namespaced", "names": dict(NAMES), "versions": [version()], **spec}
    return {"metadata": {"name": "widgets.example.com"}, "spec": body}


def test_a_new_definition() -> None:
    obj = created(DEFINITION, definition())
    assert obj["spec"]["names"] == {
        "plural": "widgets",
        "kind": "Widget",
        "singular": "widget",
        "listKind": "WidgetList",
    }
    assert obj["spec"]["conversion"] == {"strategy": "None"}
    assert obj["metadata"]["generation"] == 1
    assert obj["status"]["storedVersions"] == ["v1"]
    assert texts(DEFINITION.validate(obj)) == []


def test_versions_that_objects_are_stored_in_are_remembered() -> None:
    old = created(DEFINITION, definition())
    new = copy.deepcopy(old)
    new["spec"]["versions"] = [version(storage=False), version("v2")]
    new, _ = replaced(DEFINITION, new, old)
    assert new["status"]["storedVersions"] == ["v1", "v2"]
    assert new["metadata"]["generation"] == 2
    del new["spec"]["versions"][0]
    assert texts(DEFINITION.validate_update(new, old)) == [
        'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions'
    ]


def test_an_established_definition_keeps_its_scope() -> None:
    old = created(DEFINITION, definition())
    new = copy.deepcopy(old)
    new["spec"]["scope"] = "Cluster"
    assert texts(DEFINITION.validate_update(new, old)) == []
    old["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    assert texts(DEFINITION.validate_update(new, old)) == ['spec.scope: Invalid value: "Cluster": field is immutable']


def test_status_writes_leave_the_rest() -> None:
    old = created(DEFINITION, definition())
    new = copy.deepcopy(old)
    new["metadata"]["labels"], new["spec"]["scope"] = {"a": "b"}, "Cluster"
    new["status"]["conditions"] = [{"type": "Established", "status": "True"}]
    new, _ = replaced(STATUS, new, old)
    assert "labels" not in new["metadata"]
    assert new["spec"] == old["spec"]
    assert new["status"]["conditions"]
    new["status"]["storedVersions"] = []
    assert texts(STATUS.validate_update(new, old)) == []
    new["status"]["acceptedNames"] = {"plural": "A", "kind": "A"}
    (text,) = texts(STATUS.validate_update(new, old))
    assert text.startswith('status.acceptedNames.plural: Invalid value: "A": a DNS-1035 label must consist of')


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"scope": "Odd"}, 'spec.scope: Unsupported value: "Odd": supported values: "Cluster", "Namespaced"'),
        ({"names": {"plural": "gadgets", "kind": "G"}}, "must be spec.names.plural"),
        ({"names": {**NAMES, "shortNames": ["W"]}}, 'spec.names.shortNames[0]: Invalid value: "W"'),
        ({"names": {**NAMES, "listKind": "Widget"}}, "kind and listKind may not be the same"),
        ({"versions": [version("V1")]}, 'spec.versions[0].name: Invalid value: "V1"'),
        ({"versions": [version(), version()]}, "must contain unique version names"),
        ({"versions": [version(), version("v2")]}, "exactly one version marked as storage version"),
        ({"versions": [version(schema=None)]}, "schemas are required"),
        ({"preserveUnknownFields": True}, "cannot set to true"),
        ({"conversion": {"strategy": "Webhook"}}, "spec.conversion.webhookClientConfig: Required value"),
        ({"versions": [version(additionalPrinterColumns=[{"name": "A", "type": "odd", "jsonPath": ".a"}])]}, "type"),
        (
            {
                "versions": [
                    version(subresources={"scale": {"specReplicasPath": ".x", "statusReplicasPath": ".status.r"}})
                ]
            },
            "should be a json path under .spec",
        ),
    ],
)
def test_what_a_definition_may_not_say(spec: dict[str, Any], expected: str) -> None:
    found = texts(DEFINITION.validate(created(DEFINITION, definition(**spec))))
    assert any(expected in text for text in found), found


def test_protected_groups_need_approval() -> None:
    obj = created(DEFINITION, definition(group="gateway.networking.k8s.io"))
    obj["metadata"]["name"] = "widgets.gateway.networking.k8s.io"
    assert "api-approved.kubernetes.io" in texts(DEFINITION.validate(obj))[0]
    obj["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://example.com/pull/1"}
    assert texts(DEFINITION.validate(obj)) == []


def test_names_are_looked_at_one_after_the_other() -> None:
    named = {"plural": "widgets", "kind": "W", "listKind": "W", "shortNames": ["A"], "categories": ["B"]}
    obj = definition()
    obj["spec"]["names"] = named
    obj["spec"]["preserveUnknownFields"] = True
    assert [text.partition(":")[0] for text in texts(DEFINITION.validate(created(DEFINITION, obj)))] == [
        "spec.names.shortNames[0]",
        "spec.names.listKind",
        "spec.names.categories[0]",
        "spec.preserveUnknownFields",
    ]
    old = created(DEFINITION, obj)
    assert "spec.preserveUnknownFields" not in str(DEFINITION.validate_update(copy.deepcopy(old), old))
