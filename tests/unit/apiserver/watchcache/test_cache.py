from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import orjson
import pytest

from apimachinery.errors import Gone, Timeout
from apimachinery.meta import Resource
from apimachinery.objects import Object, labels_of
from apiserver.storage.interface import Put, Stored
from apiserver.watchcache.window import Trigger, Window
from tests.unit.apiserver.watchcache.conftest import Cluster, brief, pod, read


async def test_an_own_write_shows_at_once_with_its_revision(cluster: Cluster) -> None:
    revision = await cluster.write(pod("a"))
    found = cluster.pods.get("default", "a")
    assert found is not None
    assert (found.namespace, found.name, found.revision) == ("default", "a", revision)
    assert found.obj["metadata"]["resourceVersion"] == str(revision)
    assert f'"resourceVersion":"{revision}"'.encode() in found.raw
    await cluster.delete("a")
    assert cluster.pods.get("default", "a") is None


async def test_concurrent_own_writes_show_at_once_too(cluster: Cluster) -> None:
    async def write(number: int) -> None:
        await cluster.write(pod(f"p{number}"))
        assert cluster.pods.get("default", f"p{number}") is not None

    await asyncio.gather(*[write(number) for number in range(100)])


async def test_fresh_shows_what_others_wrote_before(cluster: Cluster) -> None:
    revision = await cluster.write(pod("a"), elsewhere=True)
    assert await cluster.feed.fresh() >= revision
    assert cluster.pods.get("default", "a") is not None


async def test_many_readers_share_reads_of_the_revision(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    current_revision = cluster.storage.current_revision

    async def counted() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return await current_revision()

    monkeypatch.setattr(cluster.storage, "current_revision", counted)
    await asyncio.gather(*[cluster.feed.fresh() for _ in range(50)])
    assert reads <= 2


async def test_a_revision_from_the_future_times_out(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.watchcache.feed._REACH_SECONDS", 0.01)
    current = await cluster.write(pod("a"))
    await cluster.feed.reach(current)
    with pytest.raises(Timeout, match=f"Too large resource version: {current + 5}, current: {current}"):
        await cluster.feed.reach(current + 5)


async def test_lists_are_in_key_order_by_namespace_and_label(cluster: Cluster) -> None:
    for namespace, name, app in [("b", "z", "x"), ("a", "y", "x"), ("a-b", "m", "w"), ("a", "b", "w")]:
        await cluster.write(pod(name, namespace, app=app))
    assert [item.key for item in cluster.pods.list()] == ["a-b/m", "a/b", "a/y", "b/z"]
    assert [item.key for item in cluster.pods.list("a")] == ["a/b", "a/y"]
    assert [item.key for item in cluster.pods.list(labels={"app": "x"})] == ["a/y", "b/z"]
    assert [item.key for item in cluster.pods.list("a", {"app": "x"})] == ["a/y"]
    await cluster.write(pod("y", "a", app="w"))
    await cluster.delete("z", "b")
    assert [item.key for item in cluster.pods.list(labels={"app": "x"})] == []
    assert [item.key for item in cluster.pods.list(labels={"app": "w"})] == ["a-b/m", "a/b", "a/y"]
    assert [item.key for item in cluster.pods.list(labels={"app": "w", "other": "x"})] == []


async def test_a_watch_replays_its_window_then_follows(cluster: Cluster) -> None:
    first = await cluster.write(pod("a"))
    second = await cluster.write(pod("a", x="1"), elsewhere=True)
    await cluster.feed.fresh()
    watcher = cluster.pods.watch(after=first)
    third = await cluster.delete("a")
    fourth = await cluster.write(pod("a"))
    assert brief(await read(watcher, 3)) == [
        ("MODIFIED", "a", second),
        ("DELETED", "a", third),
        ("ADDED", "a", fourth),
    ]


async def test_a_deleted_event_shows_the_last_state(cluster: Cluster) -> None:
    await cluster.write(pod("a", x="1"))
    watcher = cluster.pods.watch()
    gone = await cluster.delete("a")
    event = (await read(watcher, 1))[0]
    assert event["object"]["metadata"]["labels"] == {"x": "1"}
    assert event["object"]["metadata"]["resourceVersion"] == str(gone)


async def test_namespace_and_name_narrow_a_watch(cluster: Cluster) -> None:
    in_a = cluster.pods.watch("a")
    only_y = cluster.pods.watch("a", "y")
    await cluster.write(pod("x", "a"))
    await cluster.write(pod("y", "b"))
    last = await cluster.write(pod("y", "a"))
    assert [name for _, name, _ in brief(await read(in_a, 2))] == ["x", "y"]
    assert brief(await read(only_y, 1)) == [("ADDED", "y", last)]


def is_blue(obj: Object) -> bool:
    return labels_of(obj).get("colour") == "blue"


async def test_entering_a_selection_is_added_leaving_it_deleted_with_the_old_state(cluster: Cluster) -> None:
    watcher = cluster.pods.watch(matches=is_blue)
    await cluster.write(pod("a", colour="red"))
    await cluster.write(pod("b"))
    entered = await cluster.write(pod("a", colour="blue"))
    stayed = await cluster.write(pod("a", colour="blue", x="1"))
    left = await cluster.write(pod("a", colour="green"))
    await cluster.delete("a")
    back = await cluster.write(pod("a", colour="blue"))
    events = await read(watcher, 4)
    assert brief(events) == [
        ("ADDED", "a", entered),
        ("MODIFIED", "a", stayed),
        ("DELETED", "a", left),
        ("ADDED", "a", back),
    ]
    assert events[2]["object"]["metadata"]["labels"] == {"colour": "blue", "x": "1"}


async def test_initial_events_and_the_bookmark_that_ends_them(cluster: Cluster) -> None:
    await cluster.write(pod("a", colour="blue"))
    await cluster.write(pod("b"))
    last = await cluster.write(pod("c", colour="blue"))
    watcher = cluster.pods.watch(matches=is_blue, initial_events=True, initial_end=True, bookmarks=True)
    events = await read(watcher, 3)
    assert [(kind, name) for kind, name, _ in brief(events)] == [("ADDED", "a"), ("ADDED", "c"), ("BOOKMARK", "")]
    metadata = events[2]["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert metadata["resourceVersion"] == str(last)
    after = await cluster.write(pod("d", colour="blue"))
    assert brief(await read(watcher, 1)) == [("ADDED", "d", after)]


@pytest.mark.parametrize("converted", [False, True])
async def test_initial_events_come_however_many_objects_are_passed_over(cluster: Cluster, converted: bool) -> None:
    async def same(objects: Sequence[Object]) -> Sequence[Object]:
        return objects

    await asyncio.gather(*(cluster.write(pod(f"p{number}")) for number in range(300)))
    await cluster.write(pod("z", colour="blue"))
    convert = same if converted else None
    watcher = cluster.pods.watch(matches=is_blue, initial_events=True, convert=convert, api_version="v1")
    async with asyncio.timeout(10), watcher:
        assert orjson.loads(await anext(watcher))["object"]["metadata"]["name"] == "z"


async def test_initial_events_show_the_state_of_one_moment(cluster: Cluster) -> None:
    for number in range(600):
        await cluster.write(pod(f"p{number:03}"))
    watcher = cluster.pods.watch(initial_events=True)
    first = [name for _, name, _ in brief(await read(watcher, 1))]
    gone = await cluster.delete("p599")
    rest = brief(await read(watcher, 601 - len(first)))
    assert [*first, *[name for _, name, _ in rest[:-1]]] == [f"p{number:03}" for number in range(600)]
    assert rest[-1] == ("DELETED", "p599", gone)


async def test_a_bookmark_tells_of_revisions_elsewhere(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.watchcache.watcher._BOOKMARK_SECONDS", 0.0)
    watcher = cluster.nodes.watch(bookmarks=True)
    revision = await cluster.write(pod("a"))
    event = (await read(watcher, 1))[0]
    assert brief([event]) == [("BOOKMARK", "", revision)]
    assert event["object"]["kind"] == "Node"


async def test_a_transform_shapes_every_event(cluster: Cluster) -> None:
    def only_name(obj: Object) -> Object:
        return {"metadata": {key: obj["metadata"].get(key) for key in ("name", "resourceVersion")}}

    await cluster.write(pod("a"))
    watcher = cluster.pods.watch(initial_events=True, transform=only_name)
    gone = await cluster.delete("a")
    events = await read(watcher, 2)
    assert events[1] == {"type": "DELETED", "object": {"metadata": {"name": "a", "resourceVersion": str(gone)}}}


async def test_watchers_share_the_same_bytes(cluster: Cluster) -> None:
    first, second = cluster.pods.watch(), cluster.pods.watch()
    await cluster.write(pod("a"))
    await cluster.write(pod("b"))
    assert await anext(first) is await anext(second)


async def test_too_old_and_too_slow_watches_are_told(cluster: Cluster) -> None:
    cluster.pods.window = Window(cluster.pods.revision, max_events=10)
    start = cluster.pods.revision
    slow = cluster.pods.watch()
    for number in range(11):
        await cluster.write(pod(f"p{number}"))
    with pytest.raises(Gone, match="too old resource version"):
        await anext(slow)
    with pytest.raises(Gone, match=f"too old resource version: {start} "):
        await anext(cluster.pods.watch(after=start))
    assert cluster.pods.watchers == 0
    assert len(brief(await read(cluster.pods.watch(after=start + 1), 10))) == 10


async def test_the_window_is_bounded_in_bytes(cluster: Cluster) -> None:
    cluster.pods.window = window = Window(cluster.pods.revision, max_bytes=5000)
    for _ in range(10):
        await cluster.write({**pod("a"), "spec": {"x": "y" * 1000}})
    assert 1 <= window.end - (window.position_after(window.base) or 0) <= 3


async def test_a_watch_ends_with_its_time(cluster: Cluster) -> None:
    watcher = cluster.pods.watch(timeout_seconds=0.0)
    with pytest.raises(StopAsyncIteration):
        await anext(watcher)


async def test_closing_ends_a_waiting_reader(cluster: Cluster) -> None:
    watcher = cluster.pods.watch()
    reading = asyncio.create_task(read(watcher, 1))
    await asyncio.sleep(0)
    watcher.close()
    with pytest.raises(StopAsyncIteration):
        await reading


async def test_compaction_under_a_feed_that_lags_lists_again(cluster: Cluster) -> None:
    await cluster.write(pod("a"))
    watcher = cluster.pods.watch()
    stored = Stored(cluster.pods.key("default", "b"), b'{"metadata":{"name":"b"}}', 5)
    cluster.pods.replace([stored], cluster.feed.revision)
    with pytest.raises(Gone):
        await anext(watcher)
    assert [item.name for item in cluster.pods.list()] == ["b"]


async def test_a_cache_added_later_is_filled_without_a_gap(cluster: Cluster) -> None:
    things = Resource("example.com", "v1", "things", "Thing")
    prefix = "/registry/example.com/things/"

    async def write(number: int) -> None:
        value = b'{"metadata":{"name":"t%d","namespace":"n"}}' % number
        await cluster.feed.commit([Put(f"{prefix}n/t{number}", value, 0)])

    for number in range(5):
        await write(number)
    cache = cluster.feed.add(things, prefix)
    await asyncio.gather(cluster.feed.fill(cache), *[write(number) for number in range(5, 40)])
    await cluster.feed.fresh()
    assert len(cache) == 40
    assert cache.get("n", "t39") is not None
    watcher = cache.watch()
    cluster.feed.remove(cache)
    with pytest.raises(Gone):
        await anext(watcher)


async def test_what_is_no_object_is_passed_over(cluster: Cluster) -> None:
    await cluster.storage.commit([Put("/registry/pods/default/binary", b"k8s\x00\x01", 0)])
    await cluster.storage.commit([Put("/registry/pods/default/list", b"[1]", 0)])
    await cluster.write(pod("a"))
    assert [item.name for item in cluster.pods.list()] == ["a"]


HEAD = b'{"apiVersion":"v1","kind":"Pod",'


async def test_the_same_question_gets_the_same_list_until_something_changes(cluster: Cluster) -> None:
    await cluster.write(pod("a", app="x"))
    everything, labelled = cluster.pods.list(), cluster.pods.list(labels={"app": "x"})
    assert cluster.pods.list() is everything
    assert cluster.pods.list(labels={"app": "x"}) is labelled
    await cluster.write(pod("b", app="x"))
    assert len(cluster.pods.list()) == len(cluster.pods.list(labels={"app": "x"})) == 2
    assert len(everything) == 1


@pytest.mark.parametrize("count", [0, 1, 64, 150])
async def test_pieces_are_the_items_without_their_type(cluster: Cluster, count: int) -> None:
    for number in range(count):
        await cluster.write(pod(f"p{number:03}"))
    items = cluster.pods.list()
    text = b"".join(items.pieces())
    assert items.size_without(HEAD) == len(text)
    assert orjson.loads(b"[%b]" % text) == [{"metadata": item.obj["metadata"], "spec": {}} for item in items]


async def test_items_of_another_type_have_no_size(cluster: Cluster) -> None:
    await cluster.write(pod("a"))
    assert cluster.pods.list().size_without(b'{"apiVersion":"v2","kind":"Pod",') is None
    assert cluster.pods.list().size_without(HEAD) is not None
    assert cluster.pods.list().size_without(b"{") is None


async def test_a_trigger_is_looked_at_once_per_change_whatever_the_number_of_watchers(cluster: Cluster) -> None:
    reads = 0

    def colour(obj: Object) -> str:
        nonlocal reads
        reads += 1
        return has_colour(obj)

    watchers = {
        wanted: cluster.pods.watch(matches=partial(is_coloured, wanted), trigger=Trigger(colour, wanted))
        for wanted in ("blue", "red", "green", "")
    }
    first = await cluster.write(pod("a", colour="blue"))
    second = await cluster.write(pod("a", colour="red"))
    third = await cluster.write(pod("a"))
    assert brief(await read(watchers["blue"], 2)) == [("ADDED", "a", first), ("DELETED", "a", second)]
    assert brief(await read(watchers["red"], 2)) == [("ADDED", "a", second), ("DELETED", "a", third)]
    assert brief(await read(watchers[""], 1)) == [("ADDED", "a", third)]
    last = await cluster.write(pod("b", colour="green"))
    assert brief(await read(watchers["green"], 1)) == [("ADDED", "b", last)]
    assert reads == 6


def has_colour(obj: Object) -> str:
    return labels_of(obj).get("colour", "")


def is_coloured(wanted: str, obj: Object) -> bool:
    return has_colour(obj) == wanted
