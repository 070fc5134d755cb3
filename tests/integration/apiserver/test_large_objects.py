"""Where large objects are decoded, changed and checked: not on the event loop, which all other requests need."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import yaml
from aiohttp.test_utils import make_mocked_request

from apimachinery.objects import Object
from apiserver.http import reply, request_info
from apiserver.http.call import Call
from apiserver.http.reply import Reply
from apiserver.http.resources import ResourceHandlers
from apiserver.http.watching import WatchStreams
from apiserver.interfaces import Attributes, Decision, UserInfo
from apiserver.registry import decoding, ownership, patching
from apiserver.registry.registry import Registry
from tests.integration.apiserver.inprocess import config_map_registry

_PATH = "/api/v1/namespaces/default/configmaps"
_MERGE = "application/merge-patch+json"
_JSON = "application/json-patch+json"
_STRATEGIC = "application/strategic-merge-patch+json"
_APPLY = "application/apply-patch+yaml"


class Everybody:
    """May do everything."""

    async def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return Decision.ALLOW, ""


class Server:
    """The verbs of ConfigMaps, in this process."""

    def __init__(self, registry: Registry) -> None:
        self._served = registry.served("", "v1", "configmaps")
        self._handlers = ResourceHandlers(WatchStreams(), Everybody())

    async def ask(
        self, method: str, path: str, body: Any, media_type: str = "application/json", accept: str = ""
    ) -> Object:
        """The answer to one request."""
        assert self._served is not None
        query = {"fieldManager": ["tests"]}
        request = make_mocked_request(method, path, headers={"Content-Type": media_type, "Accept": accept})
        info = request_info.parse(method, path, {})
        user = UserInfo("tests")
        attributes = Attributes(
            user=user, verb=info.verb, path=path, version="v1", resource="configmaps", namespace=info.namespace
        )
        call = Call(request, info, query, attributes, _body=orjson.dumps(body))
        answer = await self._handlers.handle(call, self._served)
        assert isinstance(answer, Reply) and isinstance(answer.body, bytes)
        made: Object = yaml.safe_load(answer.body) if "yaml" in accept else orjson.loads(answer.body)
        return made


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with config_map_registry() as registry:
        yield Server(registry)


@pytest.fixture
def on_loop(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions that went through a whole object on the event loop."""
    seen: list[str] = []
    loop = threading.get_ident()

    def observe(module: Any, name: str) -> None:
        function = getattr(module, name)

        def observed(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == loop:
                seen.append(name)
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, observed)

    observe(reply, "yaml_bytes")
    observe(decoding, "decode_object")
    observe(decoding, "to_stored_form")
    observe(patching, "parse")
    observe(patching, "patched")
    observe(ownership, "on_create")
    observe(ownership, "on_update")
    return seen


def config_map(characters: int) -> Object:
    data = {f"key{number:05}": "v" * 20 for number in range(characters // 20)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data}


async def test_large_bodies(server: Server, on_loop: list[str]) -> None:
    wanted = config_map(100_000)
    await server.ask("POST", _PATH, wanted)
    wanted["data"]["more"] = "1"
    await server.ask("PUT", f"{_PATH}/x", wanted)
    await server.ask("PUT", f"{_PATH}/x", wanted)  # decoded twice, since it changes nothing
    await server.ask("PATCH", f"{_PATH}/x", wanted, _APPLY)
    assert on_loop == []


@pytest.mark.parametrize(
    ("media_type", "patch"),
    [
        (_MERGE, {"data": {"a": "1"}}),
        (_STRATEGIC, {"data": {"a": "1"}}),
        (_JSON, [{"op": "add", "path": "/data/a", "value": "1"}]),
        (_APPLY, {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}),
    ],
)
async def test_small_patches_of_large_objects(server: Server, on_loop: list[str], media_type: str, patch: Any) -> None:
    await server.ask("POST", _PATH, config_map(100_000))
    made = await server.ask("PATCH", f"{_PATH}/x", patch, media_type)
    assert made["data"]["a"] == "1"
    assert on_loop == ["parse"]


async def test_answers_in_yaml(server: Server, on_loop: list[str]) -> None:
    await server.ask("POST", _PATH, config_map(100_000))
    made = await server.ask("GET", f"{_PATH}/x", {}, accept="application/yaml")
    assert (made["kind"], len(made["data"])) == ("ConfigMap", 5000)
    made = await server.ask("GET", _PATH, {}, accept="application/yaml")
    assert (made["kind"], len(made["items"])) == ("ConfigMapList", 1)
    table = "application/yaml;as=Table;v=v1;g=meta.k8s.io"
    assert (await server.ask("GET", _PATH, {}, accept=table))["rows"][0]["cells"][:2] == ["x", 5000]
    assert on_loop == []


async def test_small_objects_take_no_detour(server: Server, on_loop: list[str]) -> None:
    await server.ask("POST", _PATH, config_map(100))
    assert on_loop == ["decode_object", "to_stored_form", "on_create"]
    await server.ask("PATCH", f"{_PATH}/x", {"data": {"a": "1"}}, _MERGE)
    assert on_loop[3:] == ["parse", "patched", "to_stored_form", "on_update"]
