"""Privileged containers without --allow-privileged."""

from __future__ import annotations

import pytest

from apimachinery.errors import Invalid
from apimachinery.objects import Object
from apiserver.admission.privileged import PrivilegedContainers
from tests.unit.apiserver.objects import attributes, made, pod

PRIVILEGED = {"name": "c", "securityContext": {"privileged": True}}
PLAIN = {"name": "d", "securityContext": {"privileged": False}}


@pytest.mark.parametrize(
    ("group", "resource", "obj", "field"),
    [
        ("", "pods", pod(containers=[PLAIN, PRIVILEGED]), "spec.containers[1]"),
        ("", "pods", pod(initContainers=[PRIVILEGED]), "spec.initContainers[0]"),
        (
            "",
            "podtemplates",
            made("PodTemplate", "x", template=pod(containers=[PRIVILEGED])),
            "template.spec.containers[0]",
        ),
        (
            "batch",
            "cronjobs",
            made("CronJob", "x", spec={"jobTemplate": {"spec": {"template": pod(containers=[PRIVILEGED])}}}),
            "spec.jobTemplate.spec.template.spec.containers[0]",
        ),
    ],
)
async def test_are_refused(group: str, resource: str, obj: Object, field: str) -> None:
    asked = attributes("create", resource, group=group, namespace="default")
    plugin = PrivilegedContainers()
    assert plugin.handles(asked)
    with pytest.raises(Invalid) as refused:
        await plugin.validate(asked, obj, None)
    assert refused.value.message.endswith(
        f"is invalid: {field}.securityContext.privileged: Forbidden: disallowed by cluster policy"
    )


async def test_others_are_not() -> None:
    plugin = PrivilegedContainers()
    assert await plugin.validate(attributes("create", "pods"), pod(containers=[PLAIN]), None) == []
    assert not plugin.handles(attributes("update", "pods", subresource="status"))
    assert not plugin.handles(attributes("create", "statefulsets", group="apps"))
