"""The API server and its etcd killed under a load of writes: what was acknowledged is there, all clients agree."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from api.resources import CONFIG_MAPS
from apimachinery.errors import AlreadyExists, ApiError, Conflict, NotFound
from apimachinery.objects import Object
from client.informer import Informer
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess
from tests.etcd_server import EtcdServer

_WRITERS = 8
_KEYS = 6  #: of each writer


class Writer:
    """Creates, updates and deletes its own ConfigMaps, and knows what of it was acknowledged."""

    def __init__(self, client: RestClient, number: int) -> None:
        self._client = client
        self._rng = Random(number)
        self._number = number
        self.acknowledged: dict[str, str | None] = {}  # name -> text; None: deleted
        self.unknown: dict[str, set[str | None]] = {}
        self.writes = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            name = f"w{self._number}-{self._rng.randrange(_KEYS)}"
            try:
                await self._write(name)
            except ApiError:
                await asyncio.sleep(0.02)  # killed under our hands: what has become of it is unknown

    async def _write(self, name: str) -> None:
        self.writes += 1
        text = str(self.writes)
        wanted: str | None = None if self.acknowledged.get(name) and self._rng.random() < 0.2 else text
        self.unknown.setdefault(name, set()).add(wanted)
        try:
            if wanted is None:
                await self._client.delete(CONFIG_MAPS, "default", name)
            else:
                await self._put(name, text)
        except (AlreadyExists, Conflict, NotFound):
            return  # an earlier write of unknown fate has taken effect
        self.acknowledged[name] = wanted
        self.unknown[name].clear()

    async def _put(self, name: str, text: str) -> None:
        obj: Object = {"metadata": {"name": name, "namespace": "default"}, "data": {"text": text}}
        try:
            obj = await self._client.get(CONFIG_MAPS, "default", name)
        except NotFound:
            await self._client.create(CONFIG_MAPS, obj)
            return
        obj["data"] = {"text": text}
        await self._client.update(CONFIG_MAPS, obj)


def texts(objects: list[Object]) -> dict[str, tuple[str, str]]:
    return {
        obj["metadata"]["name"]: (obj["metadata"]["resourceVersion"], obj["data"]["text"])
        for obj in objects
        if obj["metadata"]["name"].startswith("w")
    }


async def agrees(informer: Informer, stored: dict[str, tuple[str, str]]) -> None:
    """Wait until the informer shows this."""
    changed = asyncio.Event()
    informer.on_change(lambda old, new: changed.set())
    while texts(list(informer.store.list())) != stored:
        await changed.wait()
        changed.clear()


@pytest.mark.parametrize("backend", ["sqlite", "etcd"])
async def test_kill_9(backend: str, tmp_path: Path) -> None:
    etcd = EtcdServer(tmp_path)
    flags: tuple[str, ...] = ()
    if backend == "etcd":
        await asyncio.to_thread(etcd.start)
        flags = ("--storage-backend=etcd3", f"--etcd-servers={etcd.url}")
    server = ApiServerProcess(tmp_path, *flags)
    stop = asyncio.Event()
    async with server, server.client() as client:
        informers = [Informer(client, CONFIG_MAPS, namespace="default") for _ in range(3)]
        following = [asyncio.create_task(informer.run()) for informer in informers]
        writers = [Writer(client, number) for number in range(_WRITERS)]
        writing = [asyncio.create_task(writer.run(stop)) for writer in writers]
        for step in range(4):
            await asyncio.sleep(0.8)
            if backend == "etcd" and step % 2:
                await asyncio.to_thread(etcd.kill)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(etcd.start)
            else:
                await server.kill()
                await server.start()
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*writing)
        stored = texts((await client.list(CONFIG_MAPS, "default"))["items"])
        for writer in writers:
            for name, text in writer.acknowledged.items():
                now = stored[name][1] if name in stored else None
                assert now == text or now in writer.unknown[name], f"{name} is {now}, acknowledged was {text}"
        async with asyncio.timeout(30):
            for informer in informers:
                await agrees(informer, stored)
        assert sum(len(writer.acknowledged) for writer in writers) > _WRITERS
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    await asyncio.to_thread(etcd.kill)
