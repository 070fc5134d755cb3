"""The allocator on a store in memory, with Services committed the way the registry does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from api.resources import SERVICES
from apimachinery.errors import Invalid
from apimachinery.objects import Object
from apiserver.allocation import ServiceAllocator
from apiserver.storage.interface import Delete, Mismatch, Put, Storage, Stored
from apiserver.storage.sqlite import open_sqlite
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.feed import Feed


class Server:
    """One API server's share: a feed, its Services and its allocator."""

    def __init__(self, storage: Storage, seed: int) -> None:
        self.feed = Feed(storage)
        self.services = self.feed.add(SERVICES, "/registry/services/specs/")
        self.allocator = ServiceAllocator(self.feed, ["10.96.0.0/27"], (30000, 30007), rng=Random(seed))
        self.running = asyncio.create_task(self.feed.run())

    async def write(self, name: str, **spec: Any) -> Object:
        """Create or update; plans again as the registry does."""
        key = self.services.key("n", name)
        for _ in range(20):
            await self.feed.fresh()
            old = self.services.get("n", name)
            new = {"metadata": {"name": name, "namespace": "n"}, "spec": {"selector": {"a": "b"}, **spec}}
            planned, beside = await self.allocator.plan(new, old.obj if old else None)
            if planned is None:
                raise AssertionError("nothing planned")
            put = Put(key, encode_stored(planned), old.revision if old else 0)
            try:
                await self.feed.commit([put, *beside], {key: planned})
            except Mismatch:
                continue
            return planned
        raise AssertionError("no success")

    async def delete(self, name: str) -> None:
        await self.feed.fresh()
        old = self.services.get("n", name)
        if old is None:
            raise KeyError(name)
        _, beside = await self.allocator.plan(None, old.obj)
        await self.feed.commit([Delete(self.services.key("n", name), old.revision), *beside])


@pytest.fixture
async def servers() -> AsyncIterator[tuple[Server, Server]]:
    storage = await open_sqlite(":memory:")
    # The same seed: both make the same choices, and so collide whenever they can.
    both = Server(storage, 1), Server(storage, 1)
    for server in both:
        await server.feed.wait_ready()
    yield both
    for server in both:
        server.running.cancel()
        with suppress(asyncio.CancelledError):
            await server.running
    await storage.close()


async def keys(server: Server) -> set[str]:
    page = await server.feed.storage.list("/registry/allocations/")
    return {item.key.removeprefix("/registry/allocations/") for item in page.items}


NODE_PORT: dict[str, Any] = {"type": "NodePort", "ports": [{"port": 80, "protocol": "TCP"}]}


async def test_values_live_and_die_with_their_service(servers: tuple[Server, Server]) -> None:
    server, _ = servers
    spec = (await server.write("a", **NODE_PORT))["spec"]
    held = {f"clusterips/{spec['clusterIP']}", f"nodeports/{spec['ports'][0]['nodePort']}"}
    assert await keys(server) == held
    await server.write("a", **NODE_PORT, sessionAffinity="ClientIP")
    assert await keys(server) == held
    await server.write("a", type="ClusterIP", ports=[{"port": 80}])
    assert await keys(server) == {f"clusterips/{spec['clusterIP']}"}
    await server.delete("a")
    assert await keys(server) == set()


async def test_two_servers_never_give_out_the_same(servers: tuple[Server, Server]) -> None:
    made = await asyncio.gather(*[servers[number % 2].write(f"s{number}", **NODE_PORT) for number in range(8)])
    assert len({service["spec"]["clusterIP"] for service in made}) == 8
    assert {service["spec"]["ports"][0]["nodePort"] for service in made} == set(range(30000, 30008))
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await servers[0].write("more", clusterIP=made[1]["spec"]["clusterIP"])
    await servers[0].delete("s1")
    again = await servers[1].write("more", **NODE_PORT, clusterIP=made[1]["spec"]["clusterIP"])
    assert again["spec"]["ports"] == made[1]["spec"]["ports"]


async def test_repair(servers: tuple[Server, Server]) -> None:
    server, other = servers
    spec = (await server.write("a", **NODE_PORT))["spec"]
    await server.write("b", clusterIP="10.96.0.20")
    wanted = await keys(server)
    leaked = Put("/registry/allocations/clusterips/10.96.0.30", b'{"metadata":{"name":"10.96.0.30"}}', 0)
    lost = await stored(server, "10.96.0.20")
    foreign = await stored(server, spec["clusterIP"])
    wrong = Put(foreign.key, b'{"metadata":{},"service":"n/gone"}', foreign.revision)
    await server.feed.storage.commit([leaked, Delete(lost.key, lost.revision), wrong])
    await other.allocator.repair(other.services)
    assert await keys(server) == wanted
    await server.delete("a")
    await server.delete("b")
    assert await keys(server) == set()


async def stored(server: Server, address: str) -> Stored:
    found = await server.feed.storage.get(f"/registry/allocations/clusterips/{address}")
    if found is None:
        raise AssertionError("not allocated")
    return found
