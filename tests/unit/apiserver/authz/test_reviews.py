"""Questions about access: what is wrong with one, before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import Invalid
from apimachinery.objects import Object
from apiserver.authz import Authorization
from apiserver.interfaces import Attributes, UserInfo

RESOURCE = {"resource": "pods", "verb": "get", "namespace": "ns"}
PATH = {"path": "/healthz", "verb": "get"}
WHERE = Attributes(user=UserInfo("eve"), verb="create", path="", namespace="ns")
EXACTLY_ONE = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
SHOWN = 'authorization.NonResourceAttributes{Path:"/healthz", Verb:"get"}'


async def told(which: str, spec: dict[str, Any], **metadata: Any) -> list[str]:
    """The causes of the refusal; nothing is asked of the authorizer, so that an empty one will do."""
    review: Object = {"metadata": metadata, "spec": spec}
    with pytest.raises(Invalid) as refused:
        await Authorization([], None).reviews[which](WHERE, review)
    return [f"{cause['field']}: {cause['message']}" for cause in (refused.value.details or {})["causes"]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, [f'spec.resourceAttributes: Invalid value: "null": {EXACTLY_ONE}']),
        (
            {"resourceAttributes": RESOURCE, "nonResourceAttributes": PATH},
            [
                f"spec.nonResourceAttributes: Invalid value: {SHOWN}: "
                "cannot be specified in combination with resourceAttributes"
            ],
        ),
    ],
)
async def test_one_thing_is_asked(spec: dict[str, Any], expected: list[str]) -> None:
    assert await told("selfsubjectaccessreviews", spec) == expected
    assert await told("subjectaccessreviews", {**spec, "user": "eve"}) == expected


async def test_somebody_is_asked_of() -> None:
    assert await told("subjectaccessreviews", {"resourceAttributes": RESOURCE}) == [
        'spec.user: Invalid value: "": at least one of user or group must be specified'
    ]


@pytest.mark.parametrize("which", ["selfsubjectaccessreviews", "subjectaccessreviews"])
async def test_a_question_has_no_name(which: str) -> None:
    (text,) = await told(which, {"resourceAttributes": RESOURCE, "user": "eve"}, name="x", labels={"a": "b"})
    assert text == (
        'metadata: Invalid value: v1.ObjectMeta{Name:"x", GenerateName:"", Namespace:"", SelfLink:"", UID:"", '
        'ResourceVersion:"", Generation:0, CreationTimestamp:time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC), '
        "DeletionTimestamp:<nil>, DeletionGracePeriodSeconds:(*int64)(nil), "
        'Labels:map[string]string{"a":"b"}, Annotations:map[string]string(nil), '
        "OwnerReferences:[]v1.OwnerReference(nil), Finalizers:[]string(nil), "
        "ManagedFields:[]v1.ManagedFieldsEntry(nil)}: must be empty"
    )


async def test_a_local_question_is_about_its_namespace() -> None:
    which, user = "localsubjectaccessreviews", {"user": "eve"}
    other = {**user, "resourceAttributes": {**RESOURCE, "namespace": "other"}}
    assert await told(which, other, namespace="ns") == [
        'spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace'
    ]
    assert await told(which, {**user, "nonResourceAttributes": PATH}, namespace="ns") == [
        f"spec.nonResourceAttributes: Invalid value: {SHOWN}: disallowed on this kind of request"
    ]
    (text,) = await told(which, {**user, "resourceAttributes": RESOURCE}, namespace="ns", name="x")
    assert text.endswith(": must be empty except for namespace")
