"""The registry of one kind in this process, on a store in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from api.catalog import by_resource
from apimachinery.objects import Object, name_of
from apimachinery.schema import load
from apiserver.registry.registry import Registry
from apiserver.storage.interface import Put
from apiserver.storage.sqlite import open_sqlite
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.feed import Feed


@asynccontextmanager
async def config_map_registry(stored: Iterable[Object] = ()) -> AsyncIterator[Registry]:
    """ConfigMaps, of which these lie in namespace default."""
    storage = await open_sqlite(":memory:")
    feed = Feed(storage)
    registry = Registry(feed, load())
    kind = by_resource("", "v1", "configmaps")
    assert kind is not None
    registry.add([kind])
    for obj in stored:
        await storage.commit([Put(f"/registry/configmaps/default/{name_of(obj)}", encode_stored(obj), 0)])
    running = asyncio.create_task(feed.run())
    await feed.wait_ready()
    yield registry
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await storage.close()
