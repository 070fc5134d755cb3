"""Random writers and watching clients on a feed, and the check that no client was told anything but what happened.

Writers own their keys, so each knows its last acknowledged state; a write whose fate is unknown may show or not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import orjson

from api.resources import PODS
from apimachinery.errors import ApiError, Gone
from apimachinery.objects import Object
from apiserver.storage.interface import Delete, Mismatch, Put, Storage, StorageError, StorageEvent
from apiserver.watchcache.cache import WatchCache
from apiserver.watchcache.encoding import encode_stored
from apiserver.watchcache.feed import Feed

PREFIX = "/registry/pods/"


def pod(name: str, number: int) -> Object:
    metadata = {"name": name, "namespace": "default", "labels": {"odd": str(number % 2)}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"number": number}}


@dataclass
class Writer:
    """Writes its own few keys over and over, through the feed or straight to the store; deletes one now and then."""

    name: str
    storage: Storage
    feed: Feed | None
    rng: Random
    acknowledged: dict[str, int | None] = field(default_factory=dict)  # key -> number, None: deleted
    unknown: dict[str, set[int | None]] = field(default_factory=dict)  # what may have been written since
    writes: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self.writes += 1
            key = f"{PREFIX}default/{self.name}-{self.rng.randrange(5)}"
            try:
                await self._write(key, self.writes)
            except (StorageError, ApiError):
                await asyncio.sleep(0.02)

    async def _write(self, key: str, number: int) -> None:
        current = await self.storage.get(key)
        write: Put | Delete
        if current is not None and self.rng.random() < 0.2:
            write, after = Delete(key, current.revision), None
        else:
            obj = pod(key.rpartition("/")[2], number)
            write, after = Put(key, encode_stored(obj), current.revision if current else 0), number
        self.unknown.setdefault(key, set()).add(after)
        try:
            await (self.feed.commit([write]) if self.feed else self.storage.commit([write]))
        except Mismatch:
            return  # an earlier write of unknown fate has taken effect
        self.acknowledged[key] = after
        self.unknown[key].clear()


class Client:
    """Lists, watches, and lists again when told that history is gone; keeps all events it saw."""

    def __init__(self, cache: WatchCache, feed: Feed, rng: Random, *, odd_only: bool = False) -> None:
        self._cache = cache
        self._feed = feed
        self._rng = rng
        self._odd_only = odd_only
        self.view: dict[str, Object] = {}
        self.events: list[tuple[int, str, str]] = []  # (revision, type, key)
        self.lists = 0
        self.revision = 0

    def selects(self, obj: Object) -> bool:
        return not self._odd_only or obj["metadata"]["labels"]["odd"] == "1"

    async def run(self) -> None:
        while True:
            try:
                if not self.lists:
                    self.revision = await self._feed.fresh()
                    self.view = {item.key: item.obj for item in self._cache.list() if self.selects(item.obj)}
                    self.lists += 1
                await self._watch()
            except Gone:
                self.lists = 0
            except ApiError:
                await asyncio.sleep(0.02)

    async def _watch(self) -> None:
        matches = self.selects if self._odd_only else None
        async with self._cache.watch(matches=matches, after=self.revision) as watcher:
            async for data in watcher:
                for line in data.splitlines():
                    self._take(orjson.loads(line))
                if self._rng.random() < 0.05:
                    await asyncio.sleep(self._rng.random() * 0.05)  # a client that pauses
                if self._rng.random() < 0.02:
                    return  # a connection that breaks: watch again from the last revision seen

    def _take(self, event: Object) -> None:
        obj = event["object"]
        key = f"default/{obj['metadata']['name']}"
        revision = int(obj["metadata"]["resourceVersion"])
        if revision <= self.revision:
            raise AssertionError(f"{event['type']} of {key} at {revision} after {self.revision}")
        known = key in self.view
        if (event["type"] == "ADDED") == known:
            raise AssertionError(f"{event['type']} of {key}, which is {'known' if known else 'unknown'}")
        self.revision = revision
        self.events.append((revision, event["type"], key))
        if event["type"] == "DELETED":
            del self.view[key]
        else:
            self.view[key] = obj


async def history(storage: Storage, after: int, upto: int) -> list[StorageEvent]:
    """All that happened below PREFIX in (after, upto]."""
    events: list[StorageEvent] = []
    if upto <= after:
        return events
    async with asyncio.timeout(20):
        async for batch in storage.watch("", after=after):
            events += [event for event in batch.events if event.key.startswith(PREFIX)]
            if batch.revision >= upto:
                break
    return events


class Trial:
    """A feed with writers and clients; make trouble while it runs, then `check`."""

    def __init__(self, storage: Storage, seed: int) -> None:
        rng = Random(seed)
        self.storage = storage
        self.feed = Feed(storage)
        self.cache = self.feed.add(PODS, PREFIX)
        self.writers = [
            Writer(f"w{number}", storage, self.feed if number % 2 else None, Random(rng.random()))
            for number in range(6)
        ]
        self.clients = [
            Client(self.cache, self.feed, Random(rng.random()), odd_only=bool(number % 2)) for number in range(6)
        ]
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._tasks.append(asyncio.create_task(self.feed.run(), name="feed"))
        await self.feed.wait_ready()
        self._tasks += [asyncio.create_task(client.run(), name="client") for client in self.clients]
        self._writing = [asyncio.create_task(writer.run(self._stop), name="writer") for writer in self.writers]

    async def check(self) -> None:
        """Stop writing, let everybody catch up, and compare views and the store."""
        self._stop.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*self._writing)
            await self.feed.fresh()
        state = {item.key.removeprefix(PREFIX): item for item in (await self.storage.list(PREFIX)).items}
        self._check_acknowledged()
        for client in self.clients:
            wanted = {
                key: (item.revision, orjson.loads(item.value)["spec"])
                for key, item in state.items()
                if client.selects(orjson.loads(item.value))
            }
            await self._sees(client, wanted)

    async def _sees(self, client: Client, wanted: dict[str, tuple[int, Object]]) -> None:
        """Wait until the client sees this, as it may still be reading."""
        for _ in range(500):
            self._raise_failures()
            seen = {key: (int(obj["metadata"]["resourceVersion"]), obj["spec"]) for key, obj in client.view.items()}
            if seen == wanted:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"a client sees {seen}, the store has {wanted}")

    def _check_acknowledged(self) -> None:
        for writer in self.writers:
            for key, number in writer.acknowledged.items():
                found = self.cache.get("default", key.rpartition("/")[2])
                now = found.obj["spec"]["number"] if found else None
                if now != number and now not in writer.unknown[key]:
                    raise AssertionError(f"{key} is {now}, acknowledged was {number}, open {writer.unknown[key]}")

    async def check_events(self, after: int) -> None:
        """Each unselective client that never had to list again saw every change since its first list exactly once."""
        upto = await self.storage.current_revision()
        happened = [
            (event.revision, event.key.removeprefix(PREFIX)) for event in await history(self.storage, after, upto)
        ]
        for client in self.clients:
            if client._odd_only or not client.events:
                continue
            seen = [(revision, key) for revision, _, key in client.events]
            wanted = [change for change in happened if change[0] >= seen[0][0]]
            if seen != wanted:
                raise AssertionError(f"missed {set(wanted) - set(seen)}, invented {set(seen) - set(wanted)}")

    async def stop(self) -> None:
        self._stop.set()
        for task in [*self._tasks, *self._writing]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._writing, return_exceptions=True)

    def _raise_failures(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()
                raise AssertionError(f"{task.get_name()} has ended")
