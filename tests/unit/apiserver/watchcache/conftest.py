"""A feed on a store in memory, and a small cluster's worth of shorthand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
import pytest

from api.resources import NODES, PODS
from apimachinery.objects import Object
from apiserver.storage.interface import Delete, Put, Storage
from apiserver.storage.sqlite import open_sqlite
from apiserver.watchcache.cache import WatchCache
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.feed import Feed
from apiserver.watchcache.watcher import Watcher


def pod(name: str, namespace: str = "default", **labels: str) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}}


class Cluster:
    """Pods written through the feed, or behind its back."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.feed = Feed(storage)
        self.pods: WatchCache = self.feed.add(PODS, "/registry/pods/")
        self.nodes: WatchCache = self.feed.add(NODES, "/registry/minions/")

    async def write(self, obj: Object, *, elsewhere: bool = False) -> int:
        """Create or replace a pod; `elsewhere`: as another API server would."""
        key = self.pods.key(obj["metadata"]["namespace"], obj["metadata"]["name"])
        current = await self.storage.get(key)
        put = Put(key, encode_stored(obj), current.revision if current else 0)
        if elsewhere:
            return await self.storage.commit([put])
        return (await self.feed.commit([put], {key: obj})).revision

    async def delete(self, name: str, namespace: str = "default") -> int:
        key = self.pods.key(namespace, name)
        current = await self.storage.get(key)
        if current is None:
            raise KeyError(name)
        return (await self.feed.commit([Delete(key, current.revision)])).revision


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    storage = await open_sqlite(":memory:")
    made = Cluster(storage)
    running = asyncio.create_task(made.feed.run())
    await made.feed.wait_ready()
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await storage.close()


async def read(watcher: Watcher, wanted: int) -> list[Object]:
    """The next events of a watch."""
    events: list[Object] = []
    async with asyncio.timeout(5):
        while len(events) < wanted:
            data = await anext(watcher)
            events += [orjson.loads(line) for line in data.splitlines()]
    return events


def brief(events: list[Object]) -> list[tuple[str, str, int]]:
    """(type, name, revision) of each event."""
    metadata = [event["object"]["metadata"] for event in events]
    return [
        (event["type"], meta.get("name", ""), int(meta["resourceVersion"]))
        for event, meta in zip(events, metadata, strict=True)
    ]
