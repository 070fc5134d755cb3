"""Server-side apply of resources with several versions: entries of managedFields are of the version they came in."""

from __future__ import annotations

from typing import Any

import pytest

from api.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
)
from apimachinery.errors import ApiError, Conflict
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.integration.apiserver.definitions import answers, definition, establish, version

pytestmark = pytest.mark.asyncio(loop_scope="module")

_GROUP = "tools.example.com"
ALPHA = Resource(_GROUP, "v1alpha1", "hammers", "Hammer")
V1 = Resource(_GROUP, "v1", "hammers", "Hammer")
_NAME = f"hammers.{_GROUP}"


def _hammers(*, with_alpha: bool = True) -> Object:
    fields = {name: {"type": "string"} for name in ("handle", "head", "owner")}
    versions = [version("v1", fields, storage=True)]
    if with_alpha:
        versions.append(version("v1alpha1", fields))
    return definition(_NAME, "Hammer", versions)


def hammer(name: str, resource: Resource, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}


async def applied(
    api: RestClient, resource: Resource, obj: Object, manager: str = "tool", *, force: bool = False
) -> Object:
    query = {"fieldManager": manager, **({"force": "true"} if force else {})}
    name = obj["metadata"]["name"]
    return await api.patch(resource, "default", name, obj, patch_type="apply", params=query)


def owners(obj: Object) -> dict[str, tuple[str, Any]]:
    entries = obj["metadata"].get("managedFields") or ()
    return {each["manager"]: (each["apiVersion"], each["fieldsV1"]) for each in entries}


def spec_of(*names: str) -> Object:
    return {"f:spec": {f"f:{name}": {} for name in names}}


async def test_a_later_version_takes_over_what_an_earlier_one_applied(api: RestClient) -> None:
    await establish(api, _hammers(), V1)
    await applied(api, ALPHA, hammer("moved", ALPHA, handle="oak", head="iron"))
    made = await applied(api, V1, hammer("moved", V1, head="steel"))
    assert made["spec"] == {"head": "steel"}, "what is applied no more goes, whichever version it was applied in"
    assert owners(made) == {"tool": (V1.api_version, spec_of("head"))}


async def test_versions_conflict_with_each_other(api: RestClient) -> None:
    await establish(api, _hammers(), V1)
    await applied(api, ALPHA, hammer("shared", ALPHA, handle="oak", head="iron"), "one")
    with pytest.raises(Conflict, match=r'conflict with "one": .spec.head'):
        await applied(api, V1, hammer("shared", V1, head="steel"), "two")
    made = await applied(api, V1, hammer("shared", V1, head="steel"), "two", force=True)
    assert owners(made) == {
        "one": (ALPHA.api_version, spec_of("handle")),
        "two": (V1.api_version, spec_of("head")),
    }


async def test_an_update_owns_fields_of_the_version_it_is_written_in(api: RestClient) -> None:
    await establish(api, _hammers(), V1)
    made = await api.create(ALPHA, hammer("plain", ALPHA, head="iron"))
    assert {each["apiVersion"] for each in made["metadata"]["managedFields"]} == {ALPHA.api_version}


async def test_entries_of_a_version_that_the_definition_has_no_more(api: RestClient) -> None:
    await establish(api, _hammers(), V1)
    await applied(api, ALPHA, hammer("left", ALPHA, handle="oak"), "one")
    shorter = {"spec": _hammers(with_alpha=False)["spec"]}
    await api.patch(CUSTOM_RESOURCE_DEFINITIONS, "", _NAME, shorter, patch_type="merge")
    await answers(api, ALPHA, 404)
    with pytest.raises(ApiError, match=f"invalid group/version: {ALPHA.api_version}") as caught:
        await applied(api, V1, hammer("left", V1, head="iron"), "two")
    assert caught.value.http_code == 500
    live = await api.get(V1, "default", "left")
    live["spec"]["head"] = "steel"
    assert "managedFields" not in (await api.update(V1, live))["metadata"]
    made = await applied(api, V1, hammer("left", V1, handle="ash"), "two", force=True)
    assert owners(made)["two"] == (V1.api_version, spec_of("handle"))


def scaler(resource: Resource, **spec: Any) -> Object:
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    metadata = {"name": "web", "namespace": "default"}
    return {
        "apiVersion": resource.api_version,
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {"scaleTargetRef": target, "maxReplicas": 3, **spec},
    }


async def test_built_in_versions_name_fields_differently(api: RestClient) -> None:
    old, new = HORIZONTAL_POD_AUTOSCALERS_V1, HORIZONTAL_POD_AUTOSCALERS
    made = await applied(api, old, scaler(old, targetCPUUtilizationPercentage=50), "one")
    assert "f:targetCPUUtilizationPercentage" in owners(made)["one"][1]["f:spec"]
    assert owners(made)["one"][0] == "autoscaling/v1"
    target = {"type": "Utilization", "averageUtilization": 70}
    metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    with pytest.raises(Conflict, match=r'conflict with "one": .spec.targetCPUUtilizationPercentage'):
        await applied(api, new, scaler(new, metrics=metrics), "two")
    made = await applied(api, new, scaler(new, metrics=metrics), "two", force=True)
    assert "f:targetCPUUtilizationPercentage" not in owners(made)["one"][1]["f:spec"]
    assert owners(made)["two"][1]["f:spec"]["f:metrics"] == {}
    made["metadata"]["managedFields"].append(
        {**made["metadata"]["managedFields"][0], "manager": "past", "apiVersion": "autoscaling/v9"}
    )
    made["spec"]["maxReplicas"] = 4
    assert set(owners(await api.update(new, made))) == {"one", "two", "tests"}


async def test_an_update_in_another_version_than_the_stored_one(api: RestClient) -> None:
    old = HORIZONTAL_POD_AUTOSCALERS_V1
    obj = scaler(old, targetCPUUtilizationPercentage=50)
    obj["metadata"]["name"] = "written"
    made = await api.create(old, obj)
    ((name, fields),) = owners(made).values()
    assert name == "autoscaling/v1"
    assert set(fields["f:spec"]) >= {"f:maxReplicas", "f:targetCPUUtilizationPercentage"}


async def test_who_applies_a_scale_owns_the_replicas(api: RestClient) -> None:
    labels = {"app": "w"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "w", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }
    await applied(api, DEPLOYMENTS, deployment, "one")
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "w"}, "spec": {"replicas": 2}}
    query = {"fieldManager": "two"}
    with pytest.raises(Conflict, match=r'conflict with "one": .spec.replicas'):
        await api.patch(DEPLOYMENTS, "default", "w", scale, patch_type="apply", subresource="scale", params=query)
    query["force"] = "true"
    await api.patch(DEPLOYMENTS, "default", "w", scale, patch_type="apply", subresource="scale", params=query)
    made = await api.get(DEPLOYMENTS, "default", "w")
    assert "f:replicas" not in owners(made)["one"][1]["f:spec"]
    (entry,) = (each for each in made["metadata"]["managedFields"] if each["manager"] == "two")
    assert entry == {
        "manager": "two",
        "operation": "Apply",
        "apiVersion": "apps/v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": spec_of("replicas"),
        "subresource": "scale",
    }
    await api.patch(DEPLOYMENTS, "default", "w", {"spec": {"replicas": 3}}, patch_type="merge", subresource="scale")
    made = await api.get(DEPLOYMENTS, "default", "w")
    assert set(owners(made)) == {"one", "tests"}
