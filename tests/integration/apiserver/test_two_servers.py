"""Two API servers on one etcd: each sees at once what the other wrote, and neither overwrites it unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS, SERVICES
from apimachinery.errors import AlreadyExists, NotFound
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[RestClient, RestClient]]:
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
            yield first, second
    finally:
        etcd.kill()


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


async def test_reads_are_fresh_and_writes_meet_no_stale_state(pair: tuple[RestClient, RestClient]) -> None:
    first, second = pair
    await first.create(CONFIG_MAPS, config_map("shared"))
    for turn in range(30):
        writer, reader = (first, second) if turn % 2 else (second, first)
        await writer.patch(CONFIG_MAPS, "default", "shared", {"data": {"turn": str(turn)}}, patch_type="merge")
        assert (await reader.get(CONFIG_MAPS, "default", "shared"))["data"]["turn"] == str(turn)
    with pytest.raises(AlreadyExists):
        await second.create(CONFIG_MAPS, config_map("shared"))
    await second.delete(CONFIG_MAPS, "default", "shared")
    with pytest.raises(NotFound):
        await first.get(CONFIG_MAPS, "default", "shared")


async def test_what_both_write_at_once_is_all_there(pair: tuple[RestClient, RestClient]) -> None:
    first, second = pair
    await first.create(CONFIG_MAPS, config_map("both"))
    writes = [
        client.patch(CONFIG_MAPS, "default", "both", {"data": {f"{name}{index}": "x"}}, patch_type="merge")
        for index in range(20)
        for name, client in (("a", first), ("b", second))
    ]
    await asyncio.gather(*writes)
    assert len((await second.get(CONFIG_MAPS, "default", "both"))["data"]) == 40


async def test_no_address_is_given_twice(pair: tuple[RestClient, RestClient]) -> None:
    def service(name: str) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "NodePort", "ports": [{"port": 80}]},
        }

    made = await asyncio.gather(*(pair[index % 2].create(SERVICES, service(f"s{index}")) for index in range(30)))
    assert len({obj["spec"]["clusterIP"] for obj in made}) == 30
    assert len({obj["spec"]["ports"][0]["nodePort"] for obj in made}) == 30
