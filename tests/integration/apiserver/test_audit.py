"""The audit log of a real API server: levels, stages, ids, watches, refusals."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml

from api.resources import CONFIG_MAPS, SECRETS
from apimachinery.errors import Forbidden
from tests.apiserver_process import ADMIN_TOKEN, USER_TOKEN, ApiServerProcess

RULES = [
    {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*"]},
    {"level": "None", "verbs": ["get"], "resources": [{"resources": ["namespaces"]}]},
    {"level": "Metadata", "resources": [{"resources": ["secrets"]}]},
    {"level": "RequestResponse", "resources": [{"resources": ["configmaps"]}], "omitManagedFields": True},
    {"level": "Metadata", "omitStages": ["RequestReceived"]},
]
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
SECRET = {**CONFIG_MAP, "kind": "Secret", "data": {"x": "aHVudGVyMg=="}}


def policy(folder: Path) -> Path:
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": RULES}))
    return file


def server(folder: Path, *flags: str) -> ApiServerProcess:
    return ApiServerProcess(
        folder, f"--audit-policy-file={policy(folder)}", f"--audit-log-path={folder / 'audit.log'}", *flags
    )


def events(folder: Path, **wanted: Any) -> list[dict[str, Any]]:
    found = [orjson.loads(line) for line in (folder / "audit.log").read_bytes().splitlines()]
    return [item for item in found if all(item.get(key) == value for key, value in wanted.items())]


@pytest.mark.parametrize("mode", ["blocking", "batch"])
async def test_a_write_is_recorded_as_the_policy_wants(tmp_path: Path, mode: str) -> None:
    async with server(tmp_path, f"--audit-log-mode={mode}") as running, running.client() as client:
        await client.create(CONFIG_MAPS, CONFIG_MAP)
        await client.create(SECRETS, SECRET)
        await client.list(SECRETS, "default")
        if mode == "blocking":  # an answer comes after its event
            assert len(events(tmp_path, verb="create", stage="ResponseComplete")) >= 2
    mine = [item for item in events(tmp_path, verb="create") if item["user"]["username"] == "admin"]
    assert [(item["objectRef"]["resource"], item["stage"]) for item in mine] == [
        ("configmaps", "RequestReceived"), ("configmaps", "ResponseComplete"),
        ("secrets", "RequestReceived"), ("secrets", "ResponseComplete"),
    ]  # fmt: skip
    _, config_map, _, secret = mine
    assert config_map["requestObject"]["metadata"] == CONFIG_MAP["metadata"]
    assert config_map["responseObject"]["metadata"]["uid"]
    assert "managedFields" not in config_map["responseObject"]["metadata"]
    assert config_map["responseStatus"] == {"metadata": {}, "code": 201}
    assert config_map["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert secret["objectRef"]["name"] == "c"
    log = (tmp_path / "audit.log").read_bytes()
    assert b"aHVudGVyMg==" not in log
    assert b"/readyz" not in log


async def test_refusals_impersonation_and_ids(tmp_path: Path) -> None:
    async with server(tmp_path) as running:
        async with running.client(USER_TOKEN) as client:
            with pytest.raises(Forbidden):
                await client.list(SECRETS, "default")
        base = f"https://127.0.0.1:{running.port}/api/v1/namespaces/default/configmaps"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
            headers = {
                "Authorization": f"Bearer {ADMIN_TOKEN}", "Impersonate-User": "adam", "Audit-ID": "mine",
                "X-Forwarded-For": "192.0.2.7",
            }  # fmt: skip
            async with session.get(base, headers=headers) as answer:
                assert (answer.status, answer.headers["Audit-Id"]) == (403, "mine")
            async with session.get(base, headers={"Authorization": "Bearer wrong"}) as answer:
                assert answer.status == 401
    (refused,) = [item for item in events(tmp_path, stage="ResponseComplete") if item["user"]["username"] == "eve"]
    assert refused["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert refused["responseStatus"]["reason"] == "Forbidden"
    assert refused["responseStatus"]["code"] == 403
    received, complete = events(tmp_path, auditID="mine")
    assert "impersonatedUser" not in received
    assert complete["user"]["username"] == "admin"
    assert complete["impersonatedUser"]["username"] == "adam"
    assert complete["sourceIPs"] == ["192.0.2.7", "127.0.0.1"]
    (unknown,) = [item for item in events(tmp_path) if item.get("responseStatus", {}).get("code") == 401]
    assert "Bearer" not in str(unknown)


async def test_nobody_escapes_by_headers_that_are_no_text(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with server(tmp_path, "--audit-log-mode=batch") as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port, ssl=context)
        head = (
            f"GET /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {USER_TOKEN}\r\n"
        )
        odd = b"User-Agent: a\xff\r\nX-Forwarded-For: \xfe\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + odd)
        assert b" 403 " in await reader.readline()
        writer.close()
    (found,) = events(tmp_path, userAgent="a\ufffd", stage="ResponseComplete")
    assert (found["user"]["username"], found["sourceIPs"]) == ("eve", ["\ufffd", "127.0.0.1"])


async def test_a_watch_has_its_start_and_its_end(tmp_path: Path) -> None:
    async with server(tmp_path) as running, aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
        url = f"https://127.0.0.1:{running.port}/api/v1/secrets?watch=1"
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Audit-ID": "watching"}
        async with session.get(url, headers=headers) as answer:
            assert answer.headers["Audit-Id"] == "watching"
            stages = [item["stage"] for item in events(tmp_path, auditID="watching")]
            assert stages[0] == "RequestReceived"
            answer.close()
    stages = [item["stage"] for item in events(tmp_path, auditID="watching")]
    assert stages == ["RequestReceived", "ResponseStarted", "ResponseComplete"]


async def test_full_files_are_put_aside(tmp_path: Path) -> None:
    flags = ("--audit-log-maxsize=1", "--audit-log-maxbackup=1")
    async with server(tmp_path, *flags) as running, running.client() as client:
        for index in range(8):
            metadata = {"name": f"c{index}", "namespace": "default"}
            await client.create(CONFIG_MAPS, {**CONFIG_MAP, "metadata": metadata, "data": {"x": "y" * 200_000}})
    sizes = [file.stat().st_size for file in files(tmp_path)]
    assert len(sizes) == 2
    assert max(sizes) <= 1 << 20


def files(folder: Path) -> list[Path]:
    return list(folder.glob("audit*.log"))


@pytest.mark.parametrize("content", [None, "kind: [", "{apiVersion: audit.k8s.io/v1, kind: Policy}"])
async def test_a_bad_policy_ends_the_server_with_one_line(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_text(content)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "apiserver", "--storage-backend=sqlite",
        f"--sqlite-path={tmp_path / 'store.db'}", f"--audit-policy-file={file}", "--audit-log-path=-",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, output = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert "--audit-policy-file" in output.decode()
    assert "Traceback" not in output.decode()
