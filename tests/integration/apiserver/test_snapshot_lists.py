"""Lists at an exact revision, which are read from the store page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from apimachinery.objects import Object
from apiserver.registry import reading
from apiserver.registry.reading import EXACT, ListOptions
from apiserver.registry.selection import EVERYTHING
from apiserver.registry.served import Served
from tests.integration.apiserver.inprocess import config_map_registry

_OBJECTS = 1700


@pytest.fixture
async def config_maps() -> AsyncIterator[Served]:
    stored = (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{number:05}", "namespace": "default"}}
        for number in range(_OBJECTS)
    )
    async with config_map_registry(stored) as registry:
        served = registry.served("", "v1", "configmaps")
        assert served is not None
        yield served


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
