"""etcd over TLS with client certificates."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from apiserver.storage.etcd3 import open_etcd
from apiserver.storage.interface import Put, Unavailable
from tests.authority import Authority
from tests.etcd_server import EtcdServer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def etcd(tmp_path: Path, authority: Authority) -> AsyncIterator[EtcdServer]:
    server = EtcdServer(tmp_path, tls=authority.pair("server"))
    await asyncio.to_thread(server.start)
    yield server
    await asyncio.to_thread(server.kill)


async def test_a_client_certificate_lets_in(etcd: EtcdServer, authority: Authority) -> None:
    pair = authority.pair("client")
    storage = await open_etcd([etcd.url], cafile=pair.cafile, certfile=pair.certfile, keyfile=pair.keyfile)
    revision = await storage.commit([Put("/a", b"{}", 0)])
    assert await storage.current_revision() == revision
    await storage.close()


async def test_without_one_there_is_no_answer(
    etcd: EtcdServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apiserver.storage.etcd3.connection._CALL_SECONDS", 1.0)
    with pytest.raises(Unavailable):
        await open_etcd([etcd.url], cafile=str(authority.cafile))
    with pytest.raises(FileNotFoundError):
        await open_etcd([etcd.url], cafile="/nowhere/ca.pem")


async def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.storage.etcd3.connection._CALL_SECONDS", 0.5)
    with pytest.raises(Unavailable, match="etcd"):
        await open_etcd(["http://127.0.0.1:1"])
