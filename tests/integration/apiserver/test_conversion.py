"""Custom resources in two versions whose fields differ: a real webhook converts between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from api.resources import CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import ApiError, Conflict, Invalid
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.webhook_server import WebhookServer, webhook_server

_GROUP = "hosts.example.com"
V1 = Resource(_GROUP, "v1", "endpoints", "Endpoint")
V2 = Resource(_GROUP, "v2", "endpoints", "Endpoint")
_NAME = f"endpoints.{_GROUP}"
_SECONDS = 15.0


class Converter:
    """v1 says spec.hostPort, v2 spec.host and spec.port."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.broken = False

    async def __call__(self, path: str, review: Object) -> Object | web.Response:
        if self.broken:
            return web.Response(status=500, text="out of order")
        request = review["request"]
        self.sizes.append(len(request["objects"]))
        wanted = request["desiredAPIVersion"]
        result: Object = {"status": "Success"}
        objects = [self._convert(obj, wanted) for obj in request["objects"]]
        if any(obj["metadata"]["name"] == "cursed" for obj in objects):
            result = {"status": "Failure", "message": "it is cursed"}
        response = {"uid": request["uid"], "convertedObjects": objects, "result": result}
        return {"apiVersion": review["apiVersion"], "kind": "ConversionReview", "response": response}

    @staticmethod
    def _convert(obj: Object, wanted: str) -> Object:
        spec = dict(obj.get("spec") or {})
        if wanted.endswith("v2") and "hostPort" in spec:
            spec["host"], spec["port"] = spec.pop("hostPort").split(":")
        elif wanted.endswith("v1") and "host" in spec:
            spec["hostPort"] = f"{spec.pop('host')}:{spec.pop('port')}"
        metadata = {**obj["metadata"], "labels": {"seen-by": "webhook"}, "generation": 99}
        return {**obj, "apiVersion": wanted, "metadata": metadata, "spec": spec}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    async with ApiServerProcess(tmp_path) as running:
        yield running


@pytest.fixture
def converter() -> Converter:
    return Converter()


@pytest.fixture
async def api(server: ApiServerProcess, converter: Converter, tmp_path: Path) -> AsyncIterator[RestClient]:
    """A client of a server with the definition, stored as v1."""
    async with webhook_server(tmp_path, converter) as hook, server.client() as client:
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(hook))
        await established(client)
        yield client


def definition(hook: WebhookServer) -> Object:
    text = {"type": "string"}
    rules = [{"rule": "self.host == oldSelf.host", "message": "hosts stay"}]
    versions = [
        version("v1", {"hostPort": text}, storage=True),
        version("v2", {"host": text, "port": text, "kept": {"type": "boolean", "default": True}}, rules=rules),
    ]
    webhook = {"clientConfig": hook.client_config("convert"), "conversionReviewVersions": ["v1"]}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": _NAME},
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {"plural": "endpoints", "kind": "Endpoint"},
            "versions": versions,
            "conversion": {"strategy": "Webhook", "webhook": webhook},
        },
    }


def version(name: str, fields: Object, *, storage: bool = False, rules: Sequence[Object] = ()) -> Object:
    spec = {"type": "object", "properties": fields, "x-kubernetes-validations": list(rules)}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {"name": name, "served": True, "storage": storage, "schema": {"openAPIV3Schema": schema}}


async def established(api: RestClient) -> None:
    async with asyncio.timeout(_SECONDS):
        async for event in api.watch(CUSTOM_RESOURCE_DEFINITIONS, resource_version=""):
            if event.object["metadata"]["name"] == _NAME and (event.object.get("status") or {}).get("conditions"):
                break
        while True:
            status, _ = await api.raw("GET", V1.path("default"))
            if status == 200:
                return
            await asyncio.sleep(0.05)


def endpoint(name: str, resource: Resource = V1, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": resource.api_version, "kind": "Endpoint", "metadata": metadata, "spec": spec}


async def test_an_apply_in_one_version_conflicts_with_fields_of_another(api: RestClient) -> None:
    query = {"fieldManager": "one"}
    await api.patch(V1, "default", "s", endpoint("s", hostPort="h:1"), patch_type="apply", params=query)
    query = {"fieldManager": "two"}
    wanted = endpoint("s", V2, host="h", port="2")
    with pytest.raises(Conflict, match=r'conflict with "one": .spec.hostPort'):
        await api.patch(V2, "default", "s", wanted, patch_type="apply", params=query)
    made = await api.patch(V2, "default", "s", wanted, patch_type="apply", params={**query, "force": "true"})
    assert made["spec"] == {"host": "h", "port": "2", "kept": True}
    (entry,) = (each for each in made["metadata"]["managedFields"] if each["operation"] == "Apply")
    assert (entry["manager"], entry["apiVersion"]) == ("two", V2.api_version)
    made["spec"]["port"] = "3"
    made = await api.update(V2, made)
    assert [each["manager"] for each in made["metadata"]["managedFields"]] == ["two", "tests"]


async def test_both_versions_are_read_and_written(api: RestClient) -> None:
    made = await api.create(V1, endpoint("a", hostPort="h:1"))
    shown = await api.get(V2, "default", "a")
    assert (shown["apiVersion"], shown["spec"]) == (V2.api_version, {"host": "h", "port": "1", "kept": True})
    assert shown["metadata"]["labels"] == {"seen-by": "webhook"}
    assert shown["metadata"]["generation"] == made["metadata"]["generation"]
    shown["spec"]["port"] = "2"
    assert (await api.update(V2, shown))["spec"] == {"host": "h", "port": "2", "kept": True}
    stored = await api.get(V1, "default", "a")
    assert (stored["apiVersion"], stored["spec"]) == (V1.api_version, {"hostPort": "h:2"})
    patched = await api.patch(V2, "default", "a", {"spec": {"port": "3"}}, patch_type="merge")
    assert patched["spec"]["port"] == "3"
    assert (await api.get(V1, "default", "a"))["spec"] == {"hostPort": "h:3"}
    assert (await api.create(V2, endpoint("b", V2, host="x", port="9")))["spec"]["host"] == "x"
    assert (await api.get(V1, "default", "b"))["spec"] == {"hostPort": "x:9"}


async def test_rules_compare_with_the_old_object_in_their_version(api: RestClient) -> None:
    await api.create(V1, endpoint("a", hostPort="h:1"))
    with pytest.raises(Invalid, match='spec: Invalid value: "object": hosts stay'):
        await api.patch(V2, "default", "a", {"spec": {"host": "other"}}, patch_type="merge")


async def test_a_list_is_converted_in_one_call_and_remembered(api: RestClient, converter: Converter) -> None:
    for index in range(5):
        await api.create(V1, endpoint(f"e{index}", hostPort=f"h:{index}"))
    converter.sizes.clear()
    listed = await api.list(V2, "default")
    assert [item["spec"]["port"] for item in listed["items"]] == ["0", "1", "2", "3", "4"]
    assert converter.sizes == [5]
    await api.list(V2, "default")
    assert converter.sizes == [5]


async def test_a_watch_shows_its_version(api: RestClient) -> None:
    await api.create(V1, endpoint("a", hostPort="h:1"))
    seen: list[tuple[str, str, str]] = []

    listed = await api.list(V2, "default")

    async def follow() -> None:
        version = listed["metadata"]["resourceVersion"]
        async for event in api.watch(V2, "default", resource_version=version):
            obj = event.object
            seen.append((event.type, obj["apiVersion"], obj["spec"]["port"]))
            if event.type == "DELETED":
                return

    async with asyncio.timeout(_SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(follow())
        await api.patch(V1, "default", "a", {"spec": {"hostPort": "h:2"}}, patch_type="merge")
        await api.delete(V1, "default", "a")
    assert seen[-1] == ("DELETED", V2.api_version, "2")
    assert {each[1] for each in seen} == {V2.api_version}


async def test_a_dry_run_shows_what_would_be_written(api: RestClient) -> None:
    await api.create(V1, endpoint("a", hostPort="h:1"))
    assert (await api.get(V2, "default", "a"))["spec"]["port"] == "1"
    path = V2.path("default", "a") + "?dryRun=All"
    headers = {"Content-Type": "application/merge-patch+json"}
    status, body = await api.raw("PATCH", path, body=b'{"spec":{"port":"7"}}', headers=headers)
    assert status == 200
    assert b'"port":"7"' in body
    assert (await api.get(V2, "default", "a"))["spec"]["port"] == "1"


async def test_what_the_webhook_refuses_is_told_and_nothing_is_written(api: RestClient, converter: Converter) -> None:
    with pytest.raises(ApiError) as raised:
        await api.create(V2, endpoint("cursed", V2, host="h", port="1"))
    assert raised.value.http_code == 500
    assert raised.value.message == f"conversion webhook for {_GROUP}/v2, Kind=Endpoint failed: it is cursed"
    assert (await api.list(V1, "default"))["items"] == []
    await api.create(V1, endpoint("a", hostPort="h:1"))
    converter.broken = True
    with pytest.raises(ApiError, match=r'failed: an error on the server \("out of order"\) has prevented the request'):
        await api.get(V2, "default", "a")
    assert (await api.get(V1, "default", "a"))["spec"] == {"hostPort": "h:1"}
    converter.broken = False
    assert (await api.get(V2, "default", "a"))["spec"]["host"] == "h"


async def test_an_unchanged_write_moves_an_object_to_a_new_storage_version(api: RestClient) -> None:
    before = await api.create(V1, endpoint("a", hostPort="h:1"))
    crd = await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", _NAME)
    crd["spec"]["versions"][0]["storage"], crd["spec"]["versions"][1]["storage"] = False, True
    crd = await api.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
    assert crd["status"]["storedVersions"] == ["v1", "v2"]
    async with asyncio.timeout(_SECONDS):
        while True:
            moved = await api.patch(V1, "default", "a", {}, patch_type="merge")
            if moved["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]:
                break
            await asyncio.sleep(0.05)
    again = await api.patch(V1, "default", "a", {}, patch_type="merge")
    assert again["metadata"]["resourceVersion"] == moved["metadata"]["resourceVersion"]
    assert again["spec"] == {"hostPort": "h:1"}
