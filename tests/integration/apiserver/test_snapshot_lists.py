"""Lists at an exact revision, which are read from the store page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest

from api.catalog import by_resource
from apimachinery.objects import Object
from apimachinery.schema import load
from apiserver.registry import reading
from apiserver.registry.reading import EXACT, ListOptions
from apiserver.registry.registry import Registry
from apiserver.registry.selection import EVERYTHING
from apiserver.registry.served import Served
from apiserver.storage.interface import Put
from apiserver.storage.sqlite import open_sqlite
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.feed import Feed

_OBJECTS = 1700


@pytest.fixture
async def config_maps() -> AsyncIterator[Served]:
    storage = await open_sqlite(":memory:")
    feed = Feed(storage)
    registry = Registry(feed, load())
    kind = by_resource("", "v1", "configmaps")
    assert kind is not None
    registry.add([kind])
    for number in range(_OBJECTS):
        metadata = {"name": f"m{number:05}", "namespace": "default"}
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        await storage.commit([Put(f"/registry/configmaps/default/{metadata['name']}", encode_stored(obj), 0)])
    running = asyncio.create_task(feed.run())
    await feed.wait_ready()
    served = registry.served("", "v1", "configmaps")
    assert served is not None
    yield served
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await storage.close()


async def test_each_object_is_looked_at_a_few_times_however_many_pages_there_are(config_maps: Served) -> None:
    looks = 0

    def matches(obj: Object) -> bool:
        nonlocal looks
        looks += 1
        return str(obj["metadata"]["name"]).endswith("99")

    selection = replace(EVERYTHING, matches=matches)
    revision = str(config_maps.store.cache.revision)
    options = ListOptions(resource_version=revision, resource_version_match=EXACT, limit=100)
    listed = await reading.list_objects(config_maps, "default", selection, options)
    assert [item.name for item in listed.items] == [f"m{number:05}" for number in range(99, _OBJECTS, 100)]
    assert looks <= 2 * _OBJECTS
