"""A definition that is deleted while one of its objects cannot go: what it says, and what is still allowed."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from api.resources import CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import ApiError, BadRequest
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.integration.apiserver.definitions import answers, definition, establish, version

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDS = Resource("ends.example.com", "v1", "ends", "End")
_NAME = "ends.ends.example.com"
_SECONDS = 15.0


def _ends() -> Object:
    made = version("v1", {"n": {"type": "integer"}}, storage=True)
    scale = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"}
    made["subresources"] = {"status": {}, "scale": scale}
    return definition(_NAME, "End", [made])


def _end(name: str, **metadata: Any) -> Object:
    return {
        "apiVersion": ENDS.api_version,
        "kind": "End",
        "metadata": {"name": name, "namespace": "default", **metadata},
    }


async def _discovered(api: RestClient) -> dict[str, Any]:
    _, body = await api.raw("GET", "/apis/ends.example.com/v1")
    return {each["name"]: each["verbs"] for each in orjson.loads(body)["resources"]}


async def _terminating(api: RestClient, reason: str) -> None:
    async with asyncio.timeout(_SECONDS):
        while True:
            found = await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", _NAME)
            if any(each["reason"] == reason for each in found["status"]["conditions"]):
                return
            await asyncio.sleep(0.05)


async def test_a_definition_waits_for_its_last_object(api: RestClient) -> None:
    await establish(api, _ends(), ENDS)
    assert await _discovered(api) == {
        "ends": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        "ends/status": ["get", "patch", "update"],
        "ends/scale": ["get", "patch", "update"],
    }
    assert list(await _discovered(api)) == ["ends", "ends/status", "ends/scale"]
    await api.create(ENDS, _end("e", finalizers=["mine"]))
    await api.delete(CUSTOM_RESOURCE_DEFINITIONS, "", _NAME)
    await _terminating(api, "InstanceDeletionInProgress")
    assert (await _discovered(api))["ends"] == ["delete", "deletecollection", "get", "list", "watch"]
    with pytest.raises(ApiError, match="create not allowed while custom resource definition is terminating") as caught:
        await api.create(ENDS, _end("late"))
    assert (caught.value.http_code, caught.value.http_reason) == (405, "MethodNotAllowed")
    await api.patch(ENDS, "default", "e", {"metadata": {"finalizers": []}}, patch_type="merge")
    await answers(api, ENDS, 404)


async def test_only_names_are_selected_by(api: RestClient) -> None:
    crd = {**_ends(), "metadata": {"name": "others.ends.example.com"}}
    crd["spec"] = {**crd["spec"], "names": {"plural": "others", "kind": "Other"}}
    others = Resource("ends.example.com", "v1", "others", "Other")
    await establish(api, crd, others)
    with pytest.raises(BadRequest, match=r"field label not supported: spec\.n"):
        await api.list(others, "default", field_selector="spec.n=1")
    assert (await api.list(others, "default", field_selector="metadata.name=x"))["items"] == []
