"""An aggregated API server: another HTTPS server with a CA of its own, which lets in the front proxy alone."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web

from api.resources import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS, SERVICES
from apimachinery.errors import NotFound
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, USER_TOKEN, ApiServerProcess
from tests.authority import Authority
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
_PATH = "/apis/shop.example.com/v1"
_NAME = "v1.shop.example.com"


class Shop:
    """The other server: it tells what it was asked, and by whom."""

    def __init__(self, folder: Path) -> None:
        self.servers = Authority(folder, "shop-ca")
        self.proxies = Authority(folder, "front-proxy-ca")
        self.port = free_port()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        pair = self.servers.pair("shop", "shop.default.svc")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certfile, pair.keyfile)
        context.load_verify_locations(self.proxies.cafile)
        context.verify_mode = ssl.CERT_REQUIRED
        app = web.Application()
        app.router.add_get(_PATH, self._resources)
        app.router.add_get(f"{_PATH}/carts/watch", self._stream)
        app.router.add_get(f"{_PATH}/baskets", self._stream)
        app.router.add_get(f"{_PATH}/carts/socket/attach", self._socket)
        app.router.add_get(f"{_PATH}/carts/moved", self._moved)
        app.router.add_get("/openapi/v2", self._openapi)
        app.router.add_get("/openapi/v3", self._openapi_index)
        app.router.add_get(f"/openapi/v3{_PATH}", self._openapi_document)
        app.router.add_route("*", f"{_PATH}/carts{{rest:.*}}", self._echo)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def flags(self) -> tuple[str, ...]:
        pair = self.proxies.pair("front-proxy-client")
        return (f"--proxy-client-cert-file={pair.certfile}", f"--proxy-client-key-file={pair.keyfile}")

    def api_service(self) -> dict[str, Any]:
        bundle = base64.b64encode(self.servers.cafile.read_bytes()).decode()
        spec = {"group": "shop.example.com", "version": "v1", "groupPriorityMinimum": 2000, "versionPriority": 15,
                "caBundle": bundle, "service": {"namespace": "default", "name": "shop", "port": self.port}}  # fmt: skip
        return {"metadata": {"name": _NAME}, "spec": spec}

    async def _resources(self, _: web.Request) -> web.Response:
        cart = {"name": "carts", "singularName": "cart", "namespaced": True, "kind": "Cart", "verbs": ["get", "list"]}
        return web.json_response(
            {"kind": "APIResourceList", "groupVersion": "shop.example.com/v1", "resources": [cart]}
        )

    async def _echo(self, request: web.Request) -> web.Response:
        told = {
            "method": request.method,
            "target": request.raw_path,
            "body": (await request.read()).decode(),
            "headers": [[name, value] for name, value in request.headers.items()],
        }
        return web.json_response(told, status=201, headers={"X-Shop": "open", "Set-Cookie": "session=admin"})

    async def _moved(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("https://elsewhere.example.com/")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first\n")
        await asyncio.sleep(60)
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"{request.headers['X-Remote-User']}: {message.data}")
        return socket

    async def _openapi(self, _: web.Request) -> web.Response:
        name = {"in": "path", "name": "name", "type": "string", "required": True}
        paths = {f"{_PATH}/carts": {"get": {"operationId": "listCarts"}, "parameters": [name]}, "/version": {}}
        return web.json_response({"swagger": "2.0", "paths": paths, "definitions": {}}, headers={"Etag": '"1"'})

    async def _openapi_index(self, _: web.Request) -> web.Response:
        return web.json_response({"paths": {_PATH[1:]: {"serverRelativeURL": f"/openapi/v3{_PATH}?hash=A"}}})

    async def _openapi_document(self, request: web.Request) -> web.Response:
        return web.json_response({"openapi": "3.0.0", "hash": request.query["hash"]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ApiServerProcess]:
    async with ApiServerProcess(tmp_path_factory.mktemp("apiserver"), *shop.flags) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(server: ApiServerProcess, shop: Shop) -> AsyncIterator[RestClient]:
    async with server.client() as client:
        await client.create(API_SERVICES, shop.api_service())
        assert (await condition(client, "False"))["reason"] == "ServiceNotFound"
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": shop.port}]}
        await client.create(SERVICES, {"metadata": {"name": "shop", "namespace": "default"}, "spec": spec})
        assert (await condition(client, "True"))["reason"] == "Passed"
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def http(server: ApiServerProcess, api: RestClient) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(base_url=f"https://127.0.0.1:{server.port}", headers=headers) as session:
        yield session


async def condition(api: RestClient, status: str, name: str = _NAME) -> dict[str, Any]:
    """The condition Available once it has that status."""
    async with asyncio.timeout(20):
        async for event in api.watch(API_SERVICES, resource_version="0", field_selector=f"metadata.name={name}"):
            for found in event.object.get("status", {}).get("conditions") or ():
                if found["type"] == "Available" and found["status"] == status:
                    made: dict[str, Any] = found
                    return made
    raise AssertionError("the watch ended")


async def test_requests_are_passed_on_as_the_front_proxy(api: RestClient, http: aiohttp.ClientSession) -> None:
    body = b'{"any": "thing"}'
    sent = {"X-Remote-User": "root", "Content-Type": "application/json", "X-Mine": "1"}
    async with http.post(f"{_PATH}/namespaces/a%20b/carts/x?dry=%26", ssl=False, data=body, headers=sent) as answer:
        assert answer.status == 404  # the shop has no such path
    async with http.post(f"{_PATH}/carts/x?dry=%26", ssl=False, data=body, headers=sent) as answer:
        told = await answer.json()
        assert (answer.status, answer.headers["X-Shop"]) == (201, "open")
    assert (told["method"], told["target"], told["body"]) == ("POST", f"{_PATH}/carts/x?dry=%26", body.decode())
    headers = [
        (name, value) for name, value in told["headers"] if name in ("X-Remote-User", "X-Remote-Group", "X-Mine")
    ]
    assert sorted(headers) == [
        ("X-Mine", "1"),
        ("X-Remote-Group", "system:authenticated"),
        ("X-Remote-Group", "system:masters"),
        ("X-Remote-User", "admin"),
    ]
    assert "Authorization" not in dict(told["headers"])


async def test_cookies_are_between_one_client_and_the_other_server(http: aiohttp.ClientSession) -> None:
    headers = {"Cookie": "mine=1"}
    for _ in range(2):
        async with http.get(f"{_PATH}/carts", ssl=False, headers=headers) as answer:
            assert answer.headers["Set-Cookie"] == "session=admin"
            told = await answer.json()
        assert [value for name, value in told["headers"] if name == "Cookie"] == ["mine=1"]


async def test_a_watch_of_the_other_server_holds_no_seat(http: aiohttp.ClientSession) -> None:
    async def seats() -> list[str]:
        async with http.get("/metrics", ssl=False) as answer:
            lines = (await answer.text()).splitlines()
        return [line for line in lines if line.startswith("apiserver_current_inflight_requests{")]

    before = await seats()
    async with http.get(f"{_PATH}/baskets?watch=1", ssl=False) as answer, asyncio.timeout(10):
        assert await answer.content.readline() == b"first\n"
        assert await seats() == before


async def test_redirects_stay_here(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{_PATH}/carts/moved", ssl=False, allow_redirects=False) as answer:
        assert (answer.status, "Location" in answer.headers) == (502, False)
        assert "redirect this request, which is not permitted" in await answer.text()


async def test_authorization_is_ours(server: ApiServerProcess, api: RestClient) -> None:
    async with server.client(USER_TOKEN) as eve:
        status, body = await eve.raw("GET", f"{_PATH}/carts")
    assert (status, orjson.loads(body)["reason"]) == (403, "Forbidden")


async def test_answers_come_piece_by_piece_and_upgrades_go_through(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{_PATH}/carts/watch?watch=1", ssl=False) as answer, asyncio.timeout(10):
        assert await answer.content.readline() == b"first\n"
    async with http.ws_connect(f"{_PATH}/carts/socket/attach", ssl=False) as socket, asyncio.timeout(10):
        await socket.send_str("hello")
        assert await socket.receive_str() == "admin: hello"


async def test_discovery_and_openapi_show_one_api(api: RestClient) -> None:
    async def get(path: str, accept: str = "application/json") -> Any:
        return orjson.loads((await api.raw("GET", path, headers={"Accept": accept}))[1])

    groups = [group["name"] for group in (await get("/apis"))["groups"]]
    assert groups[-1] == "shop.example.com"
    assert (await get("/apis/shop.example.com"))["preferredVersion"]["version"] == "v1"
    assert (await get(_PATH))["resources"][0]["kind"] == "Cart"
    aggregated = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    async with asyncio.timeout(10):
        while True:
            item = (await get("/apis", aggregated))["items"][-1]
            if item["versions"][0].get("freshness") == "Current":
                break
            await asyncio.sleep(0.05)
    assert (item["metadata"]["name"], item["versions"][0]["resources"][0]["resource"]) == ("shop.example.com", "carts")
    async with asyncio.timeout(10):
        while True:
            spec = await get("/openapi/v2")
            if f"{_PATH}/carts" in spec["paths"]:
                break
            await asyncio.sleep(0.05)
    assert "/api/v1/pods" in spec["paths"]
    older = {"Accept": "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"}
    assert f"{_PATH}/carts".encode() in (await api.raw("GET", "/openapi/v2", headers=older))[1]
    index = (await get("/openapi/v3"))["paths"]
    assert (await get(index[_PATH[1:]]["serverRelativeURL"])) == {"openapi": "3.0.0", "hash": "A"}


async def test_a_server_that_is_gone_is_unavailable_and_comes_back(
    api: RestClient, http: aiohttp.ClientSession, shop: Shop
) -> None:
    await shop.stop()
    await api.patch(SERVICES, "default", "shop", {"metadata": {"labels": {"look": "again"}}}, patch_type="merge")
    gone = await condition(api, "False")
    assert gone["reason"] == "FailedDiscoveryCheck"
    assert "connection refused" in gone["message"]
    async with http.get(f"{_PATH}/carts", ssl=False) as answer:
        assert (answer.status, await answer.text()) == (503, "service unavailable\n")
    assert (await api.raw("GET", "/api/v1/namespaces"))[0] == 200
    await shop.start()
    assert (await condition(api, "True"))["reason"] == "Passed"


async def test_a_certificate_of_another_ca_is_not_spoken_to(
    api: RestClient, http: aiohttp.ClientSession, shop: Shop
) -> None:
    bundle = base64.b64encode(shop.proxies.cafile.read_bytes()).decode()
    good = (await api.get(API_SERVICES, "", _NAME))["spec"]["caBundle"]
    await api.patch(API_SERVICES, "", _NAME, {"spec": {"caBundle": bundle}}, patch_type="merge")
    try:
        async with asyncio.timeout(10):
            while True:  # until the server has taken it over
                async with http.get(f"{_PATH}/carts", ssl=False) as answer:
                    status, text = answer.status, await answer.text()
                if status != 201:
                    break
                await asyncio.sleep(0.05)
        assert status == 503
        assert "x509: certificate signed by unknown authority" in text
    finally:
        await api.patch(API_SERVICES, "", _NAME, {"spec": {"caBundle": good}}, patch_type="merge")


async def test_custom_resources_have_api_services_as_long_as_they_exist(api: RestClient) -> None:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "boats", "singular": "boat", "kind": "Boat", "listKind": "BoatList"}
    spec = {"group": "sea.example.com", "scope": "Cluster", "names": names, "versions": [version]}
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, {"metadata": {"name": "boats.sea.example.com"}, "spec": spec})
    made = await condition(api, "True", "v1.sea.example.com")
    assert made["reason"] == "Local"
    await api.delete(CUSTOM_RESOURCE_DEFINITIONS, "", "boats.sea.example.com")
    async with asyncio.timeout(10):
        with pytest.raises(NotFound):
            while True:
                await api.get(API_SERVICES, "", "v1.sea.example.com")
                await asyncio.sleep(0.05)
