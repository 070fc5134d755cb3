"""Three members of etcd, of which any one may die under a load of writes, the leader too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS
from apimachinery.errors import ApiError
from apiserver.storage.etcd3 import open_etcd
from client.informer import Informer
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdCluster, EtcdServer
from tests.integration.storage.checker import Trial
from tests.integration.storage.test_server_faults import Writer, agrees, texts


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[EtcdCluster]:
    made = EtcdCluster(tmp_path)
    await asyncio.to_thread(made.start)
    yield made
    await asyncio.to_thread(made.kill)


async def bounce(member: EtcdServer, down_seconds: float) -> None:
    await asyncio.to_thread(member.kill)
    await asyncio.sleep(down_seconds)
    await asyncio.to_thread(member.start)


async def test_each_member_dies_once_and_nothing_is_lost(cluster: EtcdCluster) -> None:
    storage = await open_etcd(cluster.urls)
    start = await storage.current_revision()
    trial = Trial(storage, seed=11)
    await trial.start()
    for member in cluster.members:
        await asyncio.sleep(0.5)
        await bounce(member, 1.5)
    await bounce(await asyncio.to_thread(cluster.leader), 1.5)
    await asyncio.sleep(0.5)
    await trial.check()
    await trial.check_events(start)
    assert sum(len(writer.acknowledged) for writer in trial.writers) > 20
    await trial.stop()
    await storage.close()


async def test_writes_go_on_while_the_leader_stays_dead(cluster: EtcdCluster) -> None:
    storage = await open_etcd(cluster.urls)
    trial = Trial(storage, seed=12)
    await trial.start()
    await asyncio.sleep(0.5)
    leader = await asyncio.to_thread(cluster.leader)
    await asyncio.to_thread(leader.kill)
    next_leader = await asyncio.to_thread(cluster.leader)
    assert next_leader is not leader
    before = await storage.current_revision()
    async with asyncio.timeout(15):
        while await storage.current_revision() < before + 100:  # noqa: ASYNC110 (the store is asked, nothing tells)
            await asyncio.sleep(0.05)
    await trial.check()
    await trial.stop()
    await storage.close()


async def test_an_api_server_outlives_every_member(cluster: EtcdCluster, tmp_path: Path) -> None:
    flags = ("--storage-backend=etcd3", f"--etcd-servers={','.join(cluster.urls)}")
    server = ApiServerProcess(tmp_path, *flags)
    stop = asyncio.Event()
    async with server, server.client() as client:
        informer = Informer(client, CONFIG_MAPS, namespace="default")
        following = asyncio.create_task(informer.run())
        writers = [Writer(client, number) for number in range(4)]
        writing = [asyncio.create_task(writer.run(stop)) for writer in writers]
        for _ in range(2):
            await asyncio.sleep(0.5)
            await bounce(await asyncio.to_thread(cluster.leader), 1.5)
        stop.set()
        await asyncio.gather(*writing)
        stored = texts((await client.list(CONFIG_MAPS, "default"))["items"])
        for writer in writers:
            for name, text in writer.acknowledged.items():
                now = stored[name][1] if name in stored else None
                assert now == text or now in writer.unknown[name], f"{name} is {now}, acknowledged was {text}"
        async with asyncio.timeout(30):
            await agrees(informer, stored)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_without_a_majority_nothing_is_acknowledged(cluster: EtcdCluster, tmp_path: Path) -> None:
    flags = ("--storage-backend=etcd3", f"--etcd-servers={','.join(cluster.urls)}")
    async with ApiServerProcess(tmp_path, *flags) as server, server.client() as client:
        for member in cluster.members[:2]:
            await asyncio.to_thread(member.kill)
        config_map = {"metadata": {"name": "late", "namespace": "default"}}
        with pytest.raises(ApiError):
            await client.create(CONFIG_MAPS, config_map)
        for member in cluster.members[:2]:
            member.launch()
        for member in cluster.members:
            await asyncio.to_thread(member.wait)

        async def works() -> bool:
            try:
                await client.create(CONFIG_MAPS, {"metadata": {"name": "again", "namespace": "default"}})
            except ApiError:
                return False
            return True

        async with asyncio.timeout(20):
            while not await works():  # noqa: ASYNC110 (the server tells nobody)
                await asyncio.sleep(0.1)
