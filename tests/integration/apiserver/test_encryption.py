"""Encryption at rest through real API servers: what lies in the store, rotation, and what nobody can read any more."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.resources import CONFIG_MAPS, SECRETS, SERVICES
from apimachinery.errors import AlreadyExists, InternalError
from apimachinery.objects import Object
from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Storage
from apiserver.storage.sqlite import open_sqlite
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer

KEYS = {name: base64.b64encode(bytes([number]) * 32).decode() for number, name in enumerate(("key1", "key2"))}
VALUE = base64.b64encode(b"hunter2").decode()


class Lab:
    """API servers, one after the other, on one store, with an encryption configuration that changes."""

    def __init__(self, folder: Path, etcd: EtcdServer | None) -> None:
        self.file = folder / "encryption.yaml"
        self._folder = folder
        self._etcd = etcd

    def configure(self, *providers: Any, resources: Sequence[str] = ("secrets",)) -> None:
        entry = {"resources": list(resources), "providers": list(providers)}
        config = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [entry]}
        self.file.write_text(yaml.safe_dump(config))

    def server(self, *flags: str) -> ApiServerProcess:
        store = ("--storage-backend=etcd3", f"--etcd-servers={self._etcd.url}") if self._etcd else ()
        return ApiServerProcess(self._folder, *store, f"--encryption-provider-config={self.file}", *flags)

    async def raw(self, *path: str) -> bytes:
        """The bytes in the store."""
        storage: Storage
        if self._etcd:
            storage = await open_etcd([self._etcd.url])
        else:
            storage = await open_sqlite(str(self._folder / "store.db"))
        try:
            found = await storage.get("/registry/" + "/".join(path))
        finally:
            await storage.close()
        assert found is not None
        return found.value


@pytest.fixture
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "etcd"])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    yield Lab(tmp_path, request.getfixturevalue("etcd") if request.param == "etcd" else None)


def aes(cipher: str, *names: str) -> Any:
    return {cipher: {"keys": [{"name": name, "secret": KEYS[name]} for name in names]}}


def secret(name: str) -> Object:
    return {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name, "namespace": "default"},
        "data": {"password": VALUE},
    }  # fmt: skip


async def password(client: RestClient, name: str) -> str:
    return str((await client.get(SECRETS, "default", name))["data"]["password"])


async def test_secrets_are_sealed_in_the_store_and_keys_rotate(lab: Lab) -> None:
    lab.configure({"identity": {}})
    async with lab.server() as server, server.client() as client:
        await client.create(SECRETS, secret("a"))
    assert VALUE.encode() in await lab.raw("secrets", "default", "a")

    lab.configure(aes("aescbc", "key1"), {"identity": {}})
    async with lab.server() as server, server.client() as client:
        assert await password(client, "a") == VALUE
        await client.create(SECRETS, secret("b"))
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}}
        await client.create(CONFIG_MAPS, config_map)
        # The way to encrypt what lies there: write everything as it is.
        before = await client.get(SECRETS, "default", "a")
        after = await client.update(SECRETS, before)
        assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
        assert (await client.update(SECRETS, after))["metadata"] == after["metadata"]
    for name in "ab":
        raw = await lab.raw("secrets", "default", name)
        assert raw.startswith(b"k8s:enc:aescbc:v1:key1:")
        assert VALUE.encode() not in raw
    assert b'"kind":"ConfigMap"' in await lab.raw("configmaps", "default", "c")

    lab.configure(aes("secretbox", "key2"), aes("aescbc", "key2", "key1"))
    async with lab.server() as server, server.client() as client:
        assert [await password(client, name) for name in "ab"] == [VALUE, VALUE]
        await client.update(SECRETS, await client.get(SECRETS, "default", "a"))
        await client.delete(SECRETS, "default", "b")
    assert (await lab.raw("secrets", "default", "a")).startswith(b"k8s:enc:secretbox:v1:key2:")

    lab.configure(aes("secretbox", "key2"))
    async with lab.server() as server, server.client() as client:
        assert await password(client, "a") == VALUE
        await client.delete(SECRETS, "default", "a")
        await client.delete(CONFIG_MAPS, "default", "c")


async def test_what_cannot_be_decrypted_is_an_error_of_that_object_alone(lab: Lab) -> None:
    lab.configure(aes("aesgcm", "key1"), {"identity": {}})
    async with lab.server() as server, server.client() as client:
        await client.create(SECRETS, secret("lost"))
    lab.configure(aes("aesgcm", "key2"), {"identity": {}})
    async with lab.server() as server, server.client() as client:
        await client.create(SECRETS, secret("fine"))
        assert await password(client, "fine") == VALUE
        told = 'unable to transform key "/registry/secrets/default/lost"'
        with pytest.raises(InternalError, match=told):
            await client.get(SECRETS, "default", "lost")
        with pytest.raises(InternalError, match=told):
            await client.list(SECRETS, "default")
        with pytest.raises(InternalError, match=told):
            await client.delete(SECRETS, "default", "lost")
        with pytest.raises(AlreadyExists):
            await client.create(SECRETS, secret("lost"))
        assert await client.list(SECRETS, "kube-system")
        await client.delete(SECRETS, "default", "fine")
    assert (await lab.raw("secrets", "default", "lost")).startswith(b"k8s:enc:aesgcm:v1:key1:")


async def test_everything_can_be_encrypted(lab: Lab) -> None:
    lab.configure(aes("secretbox", "key1"), resources=["*.*"])
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}}
    async with lab.server() as server, server.client() as client:
        made = await client.create(SERVICES, {**service, "spec": {"ports": [{"port": 80}]}})
    async with lab.server() as server, server.client() as client:
        assert await client.get(SERVICES, "default", "s") == made
        await client.delete(SERVICES, "default", "s")
    raw = await lab.raw("namespaces", "default")
    assert raw.startswith(b"k8s:enc:secretbox:v1:key1:")


async def test_a_new_file_is_taken_over_without_a_restart(tmp_path: Path) -> None:
    lab = Lab(tmp_path, None)
    lab.configure(aes("aesgcm", "key1"))
    async with lab.server("--encryption-provider-config-automatic-reload") as server, server.client() as client:
        lab.file.write_text("kind: Nonsense")
        await _logged(tmp_path, "The new encryption configuration is not used")
        lab.configure(aes("aesgcm", "key2", "key1"))
        await _logged(tmp_path, "Using the new encryption configuration")
        await client.create(SECRETS, secret("new"))
    assert (await lab.raw("secrets", "default", "new")).startswith(b"k8s:enc:aesgcm:v1:key2:")


async def _logged(folder: Path, text: str) -> None:
    async with asyncio.timeout(40):
        while text not in (folder / "apiserver.log").read_text():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "No such file or directory"),
        ("kind: [", "not valid YAML"),
        (
            "{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: "
            "[{resources: [secrets], providers: [{kms: {name: vault, endpoint: unix:///x}}]}]}",
            "KMS plugins are not supported",
        ),
    ],
)
async def test_a_bad_file_ends_the_server_with_one_line(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "encryption.yaml"
    if content is not None:
        file.write_text(content)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "apiserver", "--storage-backend=sqlite",
        f"--sqlite-path={tmp_path / 'store.db'}", f"--encryption-provider-config={file}",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, output = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert told in output.decode()
    assert "Traceback" not in output.decode()
