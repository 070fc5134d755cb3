"""When the zone counts as known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from api.resources import ENDPOINT_SLICES, NAMESPACES, SERVICES
from apimachinery.objects import Object
from client.informer import Informer
from client.rest import RestClient, WatchEvent
from dns.feed import ZoneFeed
from dns.zone.zone import Zone
from tests.unit.dns.objects import service


class Server:
    """One resource: a list that `listed` releases, then what is put into `events`."""

    def __init__(self, *items: Object) -> None:
        self._items = items
        self.listed = asyncio.Event()
        self.events: asyncio.Queue[WatchEvent] = asyncio.Queue()

    async def list(self, *_: Any, **__: Any) -> Object:
        await self.listed.wait()
        return {"metadata": {"resourceVersion": "1"}, "items": [*self._items]}

    async def watch(self, *_: Any, **__: Any) -> AsyncIterator[WatchEvent]:
        while True:
            yield await self.events.get()


async def test_the_zone_stays_known_while_a_change_is_taken_in() -> None:
    web = service()
    web["metadata"]["resourceVersion"] = "1"
    servers = {SERVICES: Server(web), ENDPOINT_SLICES: Server(), NAMESPACES: Server()}
    services, slices, namespaces = (Informer(cast(RestClient, found), kind) for kind, found in servers.items())
    zone = Zone("cluster.local")
    feed = ZoneFeed(zone, services=services, endpoint_slices=slices, namespaces=namespaces)
    seen: asyncio.Queue[bool] = asyncio.Queue()

    def question(old: Object | None, new: Object | None) -> None:
        """Comes after the feed's own handler, in the same step of the event loop."""
        seen.put_nowait(feed.synced)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(informer.run()) for informer in (services, slices, namespaces)]
        for server in (servers[SERVICES], servers[ENDPOINT_SLICES]):
            server.listed.set()
        await services.wait_synced()
        await slices.wait_synced()
        assert not feed.synced
        servers[NAMESPACES].listed.set()
        await feed.wait_synced()
        services.on_change(question)
        assert await seen.get()
        moved = service(clusterIP="10.96.0.8")
        moved["metadata"]["resourceVersion"] = "2"
        servers[SERVICES].events.put_nowait(WatchEvent("MODIFIED", moved))
        assert await seen.get()
        for task in tasks:
            task.cancel()
    found = zone.service("default", "web")
    assert found is not None
    assert found.cluster_ips == ("10.96.0.8",)
