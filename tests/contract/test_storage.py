"""What every store must do, whatever it is made of. Keys are the test's own: a store may hold those of other tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest

from apiserver.storage.interface import (
    Compacted,
    Delete,
    FutureRevision,
    Mismatch,
    Put,
    Storage,
    StorageEvent,
    Unavailable,
    WatchBatch,
)

_numbers = count()


@pytest.fixture
def prefix() -> str:
    return f"/registry/test{next(_numbers)}/"


async def create(storage: Storage, key: str, value: bytes = b"{}") -> int:
    return await storage.commit([Put(key, value, 0)])


async def events_of(batches: AsyncIterator[WatchBatch], wanted: int) -> list[StorageEvent]:
    found: list[StorageEvent] = []
    async with asyncio.timeout(10):
        async for batch in batches:
            found.extend(batch.events)
            if len(found) >= wanted:
                return found
    raise AssertionError("a watch ended")


async def test_what_is_written_is_read_with_its_revision(storage: Storage, prefix: str) -> None:
    revision = await create(storage, prefix + "a", b'{"x":"\xc3\xa9"}')
    found = await storage.get(prefix + "a")
    assert found is not None
    assert (found.key, found.value, found.revision) == (prefix + "a", b'{"x":"\xc3\xa9"}', revision)
    assert await storage.current_revision() >= revision
    assert await storage.get(prefix + "b") is None


async def test_revisions_grow_by_one_per_commit(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a")
    second = await storage.commit([Put(prefix + "b", b"1", 0), Put(prefix + "c", b"2", 0)])
    third = await storage.commit([Delete(prefix + "a", first)])
    assert [second, third] == [first + 1, first + 2]


async def test_a_stale_expectation_writes_nothing(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a", b"1")
    second = await storage.commit([Put(prefix + "a", b"2", first)])
    for write in (Put(prefix + "a", b"3", first), Put(prefix + "a", b"3", 0), Delete(prefix + "a", first)):
        with pytest.raises(Mismatch) as caught:
            await storage.commit([Put(prefix + "other", b"x", 0), write])
        assert caught.value.key == prefix + "a"
        assert caught.value.current is not None
        assert (caught.value.current.value, caught.value.current.revision) == (b"2", second)
    assert await storage.get(prefix + "other") is None
    assert await storage.current_revision() == second


async def test_writing_over_what_is_gone_is_a_mismatch_with_nothing(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a")
    await storage.commit([Delete(prefix + "a", first)])
    with pytest.raises(Mismatch) as caught:
        await storage.commit([Put(prefix + "a", b"2", first)])
    assert caught.value.current is None


@pytest.mark.parametrize("keys", [[], ["a", "a"]])
async def test_a_commit_names_each_key_once(storage: Storage, prefix: str, keys: list[str]) -> None:
    with pytest.raises(ValueError, match="each only once"):
        await storage.commit([Put(prefix + key, b"", 0) for key in keys])


async def test_of_concurrent_creators_one_wins(storage: Storage, prefix: str) -> None:
    results = await asyncio.gather(*[create(storage, prefix + "a") for _ in range(20)], return_exceptions=True)
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, Mismatch) for result in results) == 19


async def test_lists_are_in_byte_order_and_only_below_the_prefix(storage: Storage, prefix: str) -> None:
    names = ["a", "a-b", "a/b", "ab", "é", "z", "\U0001f600"]
    for name in reversed(names):
        await create(storage, prefix + name)
    await create(storage, prefix[:-1] + "0")  # the first key that follows all that begin with the prefix
    await create(storage, prefix[:-1] + "-x/a")
    page = await storage.list(prefix)
    assert [item.key.removeprefix(prefix) for item in page.items] == sorted(names, key=str.encode)
    assert page.remaining == 0


async def test_pages_are_of_one_revision(storage: Storage, prefix: str) -> None:
    for name in "abcde":
        last = await create(storage, prefix + name, name.encode())
    first = await storage.list(prefix, limit=2)
    assert ([item.value for item in first.items], first.remaining, first.revision) == ([b"a", b"b"], 3, last)
    await storage.commit([Put(prefix + "c", b"new", (await storage.list(prefix)).items[2].revision)])
    await create(storage, prefix + "cc", b"new")
    rest = await storage.list(prefix, limit=9, start_after=first.items[-1].key, revision=first.revision)
    assert ([item.value for item in rest.items], rest.remaining, rest.revision) == ([b"c", b"d", b"e"], 0, last)


async def test_a_list_longer_than_any_page(storage: Storage, prefix: str) -> None:
    for start in range(0, 2300, 100):
        await storage.commit([Put(f"{prefix}{number:05}", b"x", 0) for number in range(start, start + 100)])
    page = await storage.list(prefix)
    assert [item.key for item in page.items] == [f"{prefix}{number:05}" for number in range(2300)]
    page = await storage.list(prefix, limit=1500)
    assert (len(page.items), page.remaining) == (1500, 800)


async def test_a_list_at_an_old_revision_shows_what_was(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a", b"1")
    second = await storage.commit([Put(prefix + "a", b"2", first)])
    third = await storage.commit([Delete(prefix + "a", second)])
    seen = [[item.value for item in (await storage.list(prefix, revision=at)).items] for at in (first, second, third)]
    assert seen == [[b"1"], [b"2"], []]
    with pytest.raises(FutureRevision):
        await storage.list(prefix, revision=third + 1000)


async def test_a_watch_replays_then_follows(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a", b"1")
    second = await storage.commit([Put(prefix + "a", b"2", first)])
    await create(storage, prefix[:-1] + "0/elsewhere")
    batches = storage.watch(prefix, after=first)
    assert await events_of(batches, 1) == [StorageEvent("put", prefix + "a", b"2", second)]
    third = await storage.commit([Delete(prefix + "a", second)])
    assert await events_of(batches, 1) == [StorageEvent("delete", prefix + "a", b"", third)]


async def test_a_watch_from_the_future_waits_for_it(storage: Storage, prefix: str) -> None:
    now = await storage.current_revision()
    batches = storage.watch(prefix, after=now + 2)
    reading = asyncio.create_task(events_of(batches, 1))
    await asyncio.sleep(0)
    for name in "abc":
        last = await create(storage, prefix + name)
    assert [event.revision for event in await reading] == [last]


async def test_a_watch_of_all_keys_sees_every_revision_once_and_never_in_parts(storage: Storage, prefix: str) -> None:
    start = await storage.current_revision()
    batches = storage.watch("", after=start)

    async def write(number: int) -> None:
        await storage.commit([Put(f"{prefix}{number:03}-{part}", b"v" * 3000, 0) for part in range(3)])

    writing = asyncio.gather(*[write(number) for number in range(100)])
    seen: list[int] = []
    async with asyncio.timeout(20):
        async for batch in batches:
            revisions = [event.revision for event in batch.events]
            assert all(revisions.count(at) == 3 for at in set(revisions))
            assert batch.revision == max(revisions, default=batch.revision)
            seen += revisions[::3]
            if len(seen) == 100:
                break
    await writing
    assert seen == list(range(start + 1, start + 101))


async def test_a_paused_consumer_misses_nothing_and_holds_up_nobody(storage: Storage, prefix: str) -> None:
    slow, quick = storage.watch(prefix, after=0 or await storage.current_revision()), None
    first = await create(storage, prefix + "first")
    assert [event.revision for event in await events_of(slow, 1)] == [first]
    quick = storage.watch(prefix, after=first)
    for start in range(0, 6000, 100):
        await storage.commit([Put(f"{prefix}{number:05}", b"x" * 200, 0) for number in range(start, start + 100)])
    assert len(await events_of(quick, 6000)) == 6000
    keys = [event.key for event in await events_of(slow, 6000)]
    assert keys == [f"{prefix}{number:05}" for number in range(6000)]


async def test_after_compaction_history_is_gone_and_the_present_stays(storage: Storage, prefix: str) -> None:
    first = await create(storage, prefix + "a", b"1")
    second = await storage.commit([Put(prefix + "a", b"2", first)])
    kept = await create(storage, prefix + "b")
    gone = await create(storage, prefix + "c")
    last = await storage.commit([Delete(prefix + "c", gone)])
    await storage.compact(last)
    with pytest.raises(Compacted):
        await storage.list(prefix, revision=second)
    with pytest.raises(Compacted):
        await events_of(storage.watch(prefix, after=first), 1)
    with pytest.raises(Compacted):
        await storage.compact(second)
    page = await storage.list(prefix, revision=last)
    assert [(item.value, item.revision) for item in page.items] == [(b"2", second), (b"{}", kept)]
    batches = storage.watch(prefix, after=last)
    new = await create(storage, prefix + "d")
    assert [event.revision for event in await events_of(batches, 1)] == [new]


async def test_values_with_a_ttl_are_deleted_when_it_is_over(storage: Storage, prefix: str) -> None:
    start = await storage.current_revision()
    await storage.commit([Put(prefix + "event", b"x", 0, ttl_seconds=1)])
    stays = await create(storage, prefix + "stays")
    events = await events_of(storage.watch(prefix, after=start), 3)
    assert [(event.type, event.key) for event in events[-1:]] == [("delete", prefix + "event")]
    assert events[-1].revision > stays
    assert [item.key for item in (await storage.list(prefix)).items] == [prefix + "stays"]


async def test_a_value_written_again_without_ttl_lives_on(storage: Storage, prefix: str) -> None:
    first = await storage.commit([Put(prefix + "a", b"x", 0, ttl_seconds=1)])
    await storage.commit([Put(prefix + "a", b"y", first), Put(prefix + "clock", b"", 0, ttl_seconds=2)])
    events = await events_of(storage.watch(prefix, after=first), 3)
    assert [(event.type, event.key) for event in events[2:]] == [("delete", prefix + "clock")]
    assert await storage.get(prefix + "a") is not None


async def test_size_and_end(storage: Storage, prefix: str) -> None:
    await create(storage, prefix + "a")
    assert await storage.size_bytes() > 0
    following = asyncio.create_task(events_of(storage.watch(prefix, after=await storage.current_revision()), 1))
    await asyncio.sleep(0.05)  # so that the watch runs; what is tested does not depend on it
    await storage.close()
    with pytest.raises(Unavailable):
        await following
    with pytest.raises(Unavailable):
        await storage.get(prefix + "a")


async def test_a_cancelled_consumer_ends_though_the_store_is_closed(storage: Storage, prefix: str) -> None:
    following = asyncio.create_task(events_of(storage.watch(prefix, after=await storage.current_revision()), 1))
    await create(storage, "/elsewhere" + prefix)  # by now the watch runs
    closing = asyncio.create_task(storage.close())
    following.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await following
