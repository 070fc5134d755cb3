"""Custom resources through a real server: served, ruled, scaled, there after kill -9, gone with their definition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.resources import CUSTOM_RESOURCE_DEFINITIONS
from apimachinery.errors import ApiError, Invalid, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer

_GROUP = "stable.example.com"
TABS = Resource(_GROUP, "v1", "crontabs", "CronTab")
TABS_V2 = Resource(_GROUP, "v2", "crontabs", "CronTab")
_SECONDS = 10.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServerProcess]:
    async with ApiServerProcess(tmp_path) as running:
        yield running


def definition(**names: Any) -> Object:
    spec = {
        "type": "object",
        "x-kubernetes-validations": [{"rule": "self.replicas <= self.limit", "message": "too many"}],
        "properties": {
            "replicas": {"type": "integer", "default": 1},
            "limit": {"type": "integer", "default": 5},
            "when": {"type": "string"},
        },
    }
    schema = {"type": "object", "properties": {"spec": spec, "status": {"x-kubernetes-preserve-unknown-fields": True}}}
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    paths = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    column = {"name": "When", "type": "string", "jsonPath": ".spec.when"}
    first = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, "scale": paths},
        "additionalPrinterColumns": [column],
    }
    second = {"name": "v2", "served": True, "storage": False, "schema": {"openAPIV3Schema": loose}}
    wanted = {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"], **names}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{wanted['plural']}.{_GROUP}"},
        "spec": {"group": _GROUP, "scope": "Namespaced", "names": wanted, "versions": [first, second]},
    }


def tab(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": TABS.api_version,
        "kind": "CronTab",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


async def established(api: RestClient, name: str) -> Object:
    """The definition, once its names are judged."""
    async with asyncio.timeout(_SECONDS):
        while True:
            crd = await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", name)
            if (crd.get("status") or {}).get("conditions"):
                return crd
            await asyncio.sleep(0.05)


async def answers(api: RestClient, path: str, status: int) -> None:
    """Wait until a GET of the path has this status."""
    async with asyncio.timeout(_SECONDS):
        while True:
            found, _ = await api.raw("GET", path)
            if found == status:
                return
            await asyncio.sleep(0.05)


async def define(api: RestClient) -> None:
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    await established(api, f"crontabs.{_GROUP}")


async def test_objects_are_defaulted_pruned_and_judged(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        made = await api.create(TABS, tab("a", when="now", unknown=1))
        assert made["spec"] == {"when": "now", "replicas": 1, "limit": 5}
        assert made["metadata"]["generation"] == 1
        with pytest.raises(Invalid, match="too many"):
            await api.create(TABS, tab("b", replicas=6))
        with pytest.raises(Invalid, match="too many"):
            await api.patch(TABS, "default", "a", {"spec": {"limit": 0}}, patch_type="merge")
        scale = {"spec": {"replicas": 3}}
        await api.patch(TABS, "default", "a", scale, patch_type="merge", subresource="scale")
        status = {"status": {"replicas": 3}, "spec": {"replicas": 4}}
        await api.patch(TABS, "default", "a", status, patch_type="merge", subresource="status")
        other = await api.get(TABS_V2, "default", "a")
        assert (other["apiVersion"], other["spec"]["replicas"]) == (f"{_GROUP}/v2", 3)
        assert other["status"] == {"replicas": 3}
        assert other["metadata"]["generation"] == 2


async def test_a_strategic_merge_is_refused(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        await api.create(TABS, tab("a"))
        with pytest.raises(ApiError, match="accepted media types include") as refused:
            await api.patch(TABS, "default", "a", {"spec": {}}, patch_type="strategic")
        assert refused.value.code == 415


async def test_discovery_and_openapi_know_the_kind(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        status, body = await api.raw("GET", f"/apis/{_GROUP}/v1")
        assert status == 200
        assert b'"crontabs/scale"' in body
        status, body = await api.raw("GET", f"/openapi/v3/apis/{_GROUP}/v1")
        assert status == 200
        assert b"com.example.stable.v1.CronTab" in body
        assert b"strategic-merge-patch" not in body


async def test_another_definition_does_not_get_the_same_names(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        await api.create(CUSTOM_RESOURCE_DEFINITIONS, definition(plural="others", kind="CronTab", shortNames=[]))
        other = await established(api, f"others.{_GROUP}")
        assert [each["status"] for each in other["status"]["conditions"]] == ["False", "False"]
        status, _ = await api.raw("GET", f"/apis/{_GROUP}/v1/others")
        assert status == 404


async def test_a_changed_definition_is_served_anew(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        await api.create(TABS, tab("a"))
        crd = await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", f"crontabs.{_GROUP}")
        first, second = crd["spec"]["versions"]
        first["storage"], second["storage"] = False, True
        first["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["added"] = {
            "type": "string",
            "default": "x",
        }
        crd["spec"]["versions"].append({**second, "name": "v3", "storage": False})
        changed = await api.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
        assert changed["status"]["storedVersions"] == ["v1", "v2"]
        await answers(api, f"/apis/{_GROUP}/v3/crontabs", 200)
        assert (await api.get(TABS, "default", "a"))["spec"]["added"] == "x"
        assert (await api.get(TABS_V2, "default", "a"))["apiVersion"] == f"{_GROUP}/v2"
        await api.patch(TABS, "default", "a", {"spec": {"when": "later"}}, patch_type="merge")
        assert (await api.get(TABS_V2, "default", "a"))["spec"]["when"] == "later"


async def test_a_watch_tells_of_changes(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        made = await api.create(TABS, tab("a"))
        await api.patch(TABS, "default", "a", {"spec": {"when": "now"}}, patch_type="merge")
        version = made["metadata"]["resourceVersion"]
        async with asyncio.timeout(_SECONDS):
            async for event in api.watch(TABS_V2, "default", resource_version=version):
                assert event.object["spec"]["when"] == "now"
                assert event.object["apiVersion"] == f"{_GROUP}/v2"
                break


async def test_objects_are_there_after_a_kill(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        await api.create(TABS, tab("a"))
    await server.kill()
    await server.start()
    async with server.client() as api:
        assert (await api.get(TABS, "default", "a"))["spec"]["limit"] == 5


async def test_a_deleted_definition_takes_its_objects_along(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        await api.create(TABS, tab("a"))
        await api.delete(CUSTOM_RESOURCE_DEFINITIONS, "", f"crontabs.{_GROUP}")
        async with asyncio.timeout(_SECONDS):
            with pytest.raises(NotFound):
                while True:
                    await api.get(CUSTOM_RESOURCE_DEFINITIONS, "", f"crontabs.{_GROUP}")
                    await asyncio.sleep(0.05)
        await answers(api, f"/apis/{_GROUP}/v1/crontabs", 404)
        await define(api)
        status, body = await api.raw("GET", f"/apis/{_GROUP}/v1/crontabs")
        assert status == 200
        assert b'"items":[]' in body


async def test_an_object_that_is_held_holds_its_definition(server: ApiServerProcess) -> None:
    async with server.client() as api:
        await define(api)
        held = tab("a")
        held["metadata"]["finalizers"] = ["example.com/hold"]
        await api.create(TABS, held)
        await api.delete(CUSTOM_RESOURCE_DEFINITIONS, "", f"crontabs.{_GROUP}")
        async with asyncio.timeout(_SECONDS):
            while True:
                found = await api.get(TABS, "default", "a")
                if found["metadata"].get("deletionTimestamp"):
                    break
                await asyncio.sleep(0.05)
        with pytest.raises(ApiError) as refused:
            await api.create(TABS, tab("b"))
        assert refused.value.code == 405
        await api.patch(TABS, "default", "a", {"metadata": {"finalizers": None}}, patch_type="merge")
        await answers(api, f"/apis/{_GROUP}/v1/crontabs", 404)


async def test_every_server_of_one_store_serves_it(tmp_path: Path) -> None:
    etcd = EtcdServer(tmp_path)
    etcd.start()
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    flags = ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}")
    try:
        async with (
            ApiServerProcess(folders[0], *flags) as one,
            ApiServerProcess(folders[1], *flags) as other,
            one.client() as first,
            other.client() as second,
        ):
            await define(first)
            await first.create(TABS, tab("a"))
            await answers(second, f"/apis/{_GROUP}/v1/namespaces/default/crontabs/a", 200)
    finally:
        etcd.kill()


async def test_the_scale_follows_the_paths_of_the_definition(server: ApiServerProcess) -> None:
    crd = definition()
    first = crd["spec"]["versions"][0]
    first["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"] = {
        "type": "object",
        "properties": {"now": {"type": "integer"}},
    }
    first["subresources"]["scale"] = {
        "specReplicasPath": ".spec.size.now",
        "statusReplicasPath": ".status.seen",
        "labelSelectorPath": ".status.selector",
    }
    async with server.client() as api:
        await api.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
        await established(api, f"crontabs.{_GROUP}")
        await answers(api, TABS.path("default"), 200)
        await api.create(TABS, tab("a", size={"now": 2}))
        status = {"status": {"seen": 1, "selector": "a=b"}}
        await api.patch(TABS, "default", "a", status, patch_type="merge", subresource="status")
        _, body = await api.raw("GET", TABS.path("default", "a", "scale"))
        scale = orjson.loads(body)
        assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 2})
        assert scale["status"] == {"replicas": 1, "selector": "a=b"}
        changed = {"spec": {"replicas": 5}}
        await api.patch(TABS, "default", "a", changed, patch_type="merge", subresource="scale")
        made = await api.get(TABS, "default", "a")
        assert made["spec"]["size"] == {"now": 5}
        assert made["metadata"]["generation"] == 2


async def test_rules_that_make_no_sense_are_refused_with_their_definition(server: ApiServerProcess) -> None:
    crd = definition()
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["x-kubernetes-validations"] = [{"rule": "self.absent > 1"}]
    async with server.client() as api:
        with pytest.raises(Invalid, match="compilation failed: ERROR: <input>:1:5: undefined field 'absent'"):
            await api.create(CUSTOM_RESOURCE_DEFINITIONS, crd)
