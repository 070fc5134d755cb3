"""What is around the resources: views, media types, health, discovery, OpenAPI, restarts, faults at start."""

from __future__ import annotations

import asyncio
import gzip
import sys
from pathlib import Path

import aiohttp
import orjson
import pytest

from api.resources import CONFIG_MAPS, NAMESPACES
from apimachinery.errors import Forbidden, Unauthorized
from client.rest import RestClient
from tests.apiserver_process import USER_TOKEN, ApiServerProcess
from tests.ports import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def get(api: RestClient, path: str, **headers: str) -> tuple[int, bytes]:
    return await api.raw("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_tables_partial_metadata_and_yaml(api: RestClient) -> None:
    _, body = await get(api, "/api/v1/namespaces", Accept=_TABLE)
    table = orjson.loads(body)
    assert table["kind"] == "Table"
    assert "default" in [row["cells"][0] for row in table["rows"]]
    partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    _, body = await get(api, "/api/v1/namespaces", Accept=partial)
    assert orjson.loads(body)["kind"] == "PartialObjectMetadataList"
    _, body = await get(api, "/api/v1/namespaces/default", Accept="application/yaml")
    assert body.startswith(b"apiVersion: v1\nkind: Namespace\n")
    assert (await get(api, "/api/v1/namespaces", Accept="application/vnd.kubernetes.protobuf"))[0] == 406


async def test_a_protobuf_body_is_read(api: RestClient) -> None:
    body = b"k8s\x00\n\x0f\n\x02v1\x12\tNamespace\x12\x0a\n\x08\n\x06frompb"
    headers = {"Content-Type": "application/vnd.kubernetes.protobuf", "Accept": "application/json"}
    status, answer = await api.raw("POST", "/api/v1/namespaces", body=body, headers=headers)
    assert (status, orjson.loads(answer)["metadata"]["name"]) == (201, "frompb")


async def test_health_version_metrics_and_paths(api: RestClient) -> None:
    assert (await get(api, "/healthz"))[1] == b"ok"
    assert b"[+]etcd ok" in (await get(api, "/livez?verbose"))[1]
    assert (await get(api, "/readyz/etcd"))[0] == 200
    assert (await get(api, "/readyz/nothing"))[0] == 404
    assert orjson.loads((await get(api, "/version"))[1])["gitVersion"] == "v1.28.7"
    assert "/apis/apps/v1" in orjson.loads((await get(api, "/"))[1])["paths"]
    await api.list(NAMESPACES)
    assert b'apiserver_request_total{code="200"' in (await get(api, "/metrics"))[1]


async def test_openapi_has_etags_and_long_answers_are_compressed(api: RestClient) -> None:
    status, index = await get(api, "/openapi/v3")
    url = orjson.loads(index)["paths"]["apis/apps/v1"]["serverRelativeURL"]
    status, body = await get(api, url)
    assert (status, orjson.loads(body)["openapi"]) == (200, "3.0.0")
    etag = '"' + url.partition("hash=")[2] + '"'
    assert (await get(api, "/openapi/v3/apis/apps/v1", If_None_Match=etag))[0] == 304
    status, body = await get(api, "/openapi/v2", Accept_Encoding="gzip")
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    assert orjson.loads(plain)["swagger"] == "2.0"


async def test_who_is_unknown_and_who_may_not(server: ApiServerProcess) -> None:
    async with server.client("nonsense") as stranger:
        with pytest.raises(Unauthorized):
            await stranger.list(NAMESPACES)
    async with server.client(USER_TOKEN) as user:
        with pytest.raises(Forbidden, match='User "eve" cannot list resource "namespaces" in API group ""'):
            await user.list(NAMESPACES)
        assert (await get(user, "/version"))[0] == 200
    async with server.client("") as nobody:
        with pytest.raises(Forbidden, match="system:anonymous"):
            await nobody.list(NAMESPACES)


async def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    async with ApiServerProcess(tmp_path) as server:
        async with server.client() as api:
            for index in range(20):
                obj = {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": f"k{index}", "namespace": "default"},
                }
                await api.create(CONFIG_MAPS, obj)
        await server.kill()
        await server.start()
        async with server.client() as api:
            listed = await api.list(CONFIG_MAPS, "default")
    assert {f"k{index}" for index in range(20)} <= {item["metadata"]["name"] for item in listed["items"]}


async def test_a_shutdown_ends_watches(tmp_path: Path) -> None:
    async with ApiServerProcess(tmp_path) as server, server.client() as api:
        listed = await api.list(NAMESPACES)

        async def follow() -> None:
            async for _ in api.watch(NAMESPACES, resource_version=listed["metadata"]["resourceVersion"]):
                raise AssertionError("nothing changes")

        watching = asyncio.create_task(follow())
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await server.stop()
        await asyncio.wait({watching}, timeout=10)
        assert watching.done()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def run_once(*flags: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "apiserver", *flags,
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(45):
        _, told = await process.communicate()
    return process.returncode or 0, told.decode().strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--no-such-flag"], "unknown flag: --no-such-flag"),
        (["--storage-backend=etcd3"], "--etcd-servers must be specified"),
        (
            ["--storage-backend=sqlite", "--sqlite-path=:memory:", "--service-cluster-ip-range=x"],
            "service-cluster-ip-range",
        ),
        (["--storage-backend=sqlite", "--sqlite-path=:memory:", "--token-auth-file=/none"], "/none"),
        (["--storage-backend=sqlite", "--sqlite-path=:memory:", "--authorization-mode=Maybe"], "Maybe"),
    ],
)
async def test_bad_flags_end_it_with_one_line(flags: list[str], text: str, tmp_path: Path) -> None:
    code, line = await run_once(*flags, f"--cert-dir={tmp_path}", f"--secure-port={free_port()}")
    assert code == 1
    assert text in line


async def test_a_port_in_use_ends_it(server: ApiServerProcess, tmp_path: Path) -> None:
    code, line = await run_once(
        "--storage-backend=sqlite", "--sqlite-path=:memory:", "--bind-address=127.0.0.1",
        f"--secure-port={server.port}", f"--cert-dir={tmp_path}",
    )  # fmt: skip
    assert code == 1
    assert f"failed to listen on 127.0.0.1:{server.port}: address already in use" in line


async def test_the_insecure_port_asks_nobody(tmp_path: Path) -> None:
    port = free_port()
    async with ApiServerProcess(tmp_path, f"--insecure-port={port}"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 " in (await reader.read()).splitlines()[0]
        writer.close()


async def test_browsers_are_told_what_they_may(tmp_path: Path) -> None:
    flags = ("--cors-allowed-origins=^https://good$", "--strict-transport-security-directives=max-age=60")
    async with ApiServerProcess(tmp_path, *flags) as server, aiohttp.ClientSession() as http:
        url = f"https://127.0.0.1:{server.port}/version"
        async with http.options(url, ssl=False, headers={"Origin": "https://good"}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, "https://good")
        async with http.get(url, ssl=False, headers={"Origin": "https://bad"}) as answer:
            assert (answer.status, "Access-Control-Allow-Origin" in answer.headers) == (200, False)
            assert answer.headers["Strict-Transport-Security"] == "max-age=60"
