"""The stores that the storage contract is run on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from api.resources import SECRETS
from apiserver.storage.encryption import EncryptedStorage, Rules
from apiserver.storage.encryption.providers import AesGcm, Providers
from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Storage
from apiserver.storage.sqlite import open_sqlite
from tests.etcd_server import EtcdServer


@pytest.fixture(scope="session")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path_factory.mktemp("etcd"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "etcd", "sqlite-encrypted", "etcd-encrypted"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    opened: Storage
    if request.param.startswith("etcd"):
        opened = await open_etcd([request.getfixturevalue("etcd").url])
    else:
        opened = await open_sqlite(":memory:" if request.param == "sqlite-memory" else str(tmp_path / "store.db"))
    if request.param.endswith("-encrypted"):
        opened = EncryptedStorage(opened, Rules([(frozenset({"*.*"}), Providers((AesGcm("key1", bytes(32)),)))]))
        opened.resource_of = lambda key: SECRETS
    yield opened
    await opened.close()
