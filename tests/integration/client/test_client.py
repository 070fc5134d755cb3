"""The client's parts against a real API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from api.resources import CONFIG_MAPS, CORE_EVENTS, LEASES
from apimachinery.errors import AlreadyExists, Conflict, NotFound, ServiceUnavailable, Unauthorized
from apimachinery.objects import Object, name_of
from client.events import EventRecorder
from client.informer import Informer, InformerFactory
from client.leaderelection import LeaderElectionConfig, lead
from client.rest import RestClient
from tests.apiserver_process import ApiServerProcess

_SECONDS = 20.0


def config_map(name: str, value: str = "1") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {"of": "test"}},
        "data": {"value": value},
    }


@asynccontextmanager
async def running(informer: Informer) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    try:
        async with asyncio.timeout(_SECONDS):
            await informer.wait_synced()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Told:
    """What an informer tells, and a way to wait for it."""

    def __init__(self, informer: Informer) -> None:
        self.events: list[tuple[str, str]] = []
        self._changed = asyncio.Event()
        informer.on_change(self._take)

    def _take(self, old: Object | None, new: Object | None) -> None:
        kind = "add" if old is None else "delete" if new is None else "update"
        self.events.append((kind, name_of(new or old or {})))
        self._changed.set()

    async def until(self, *wanted: tuple[str, str]) -> None:
        async with asyncio.timeout(_SECONDS):
            while not set(wanted) <= set(self.events):
                self._changed.clear()
                await self._changed.wait()


async def test_verbs(api: RestClient) -> None:
    made = await api.create(CONFIG_MAPS, config_map("a"))
    assert made["metadata"]["uid"]
    with pytest.raises(AlreadyExists):
        await api.create(CONFIG_MAPS, config_map("a"))
    made["data"] = {"value": "2"}
    updated = await api.update(CONFIG_MAPS, made)
    with pytest.raises(Conflict):
        await api.update(CONFIG_MAPS, {**made, "data": {"value": "3"}})
    patched = await api.patch(CONFIG_MAPS, "default", "a", {"data": {"more": "x"}}, patch_type="merge")
    assert patched["data"] == {"value": "2", "more": "x"}
    assert (await api.get(CONFIG_MAPS, "default", "a"))["metadata"]["uid"] == updated["metadata"]["uid"]
    listed = await api.list(CONFIG_MAPS, "default", label_selector="of=test")
    assert [name_of(item) for item in listed["items"]] == ["a"]
    with pytest.raises(Conflict):
        await api.delete(CONFIG_MAPS, "default", "a", uid="another")
    await api.delete(CONFIG_MAPS, "default", "a", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await api.get(CONFIG_MAPS, "default", "a")


async def test_unknown_token(server: ApiServerProcess) -> None:
    async with server.client("no such token") as client:
        with pytest.raises(Unauthorized):
            await client.list(CONFIG_MAPS, "default")


async def test_informer_survives_restarts_of_the_server_and_tells_of_what_it_missed(
    server: ApiServerProcess, api: RestClient
) -> None:
    await api.create(CONFIG_MAPS, config_map("stays"))
    await api.create(CONFIG_MAPS, config_map("goes"))
    informer = Informer(api, CONFIG_MAPS, namespace="default", label_selector="of=test")
    informer.add_index("value", lambda obj: [obj["data"]["value"]])
    told = Told(informer)
    async with running(informer):
        assert {name_of(item) for item in informer.store.list("default")} == {"stays", "goes"}
        await api.create(CONFIG_MAPS, config_map("new", "7"))
        await told.until(("add", "new"))
        assert [name_of(item) for item in informer.store.by_index("value", "7")] == ["new"]
        assert "managedFields" not in (informer.store.get("default/new") or {})["metadata"]

        await server.kill()
        with pytest.raises(ServiceUnavailable):
            await api.get(CONFIG_MAPS, "default", "stays")
        await server.start()
        await api.delete(CONFIG_MAPS, "default", "goes")
        await api.patch(CONFIG_MAPS, "default", "stays", {"data": {"value": "9"}}, patch_type="merge")
        await told.until(("delete", "goes"), ("update", "stays"))
        assert informer.store.get("default/goes") is None
        assert [name_of(item) for item in informer.store.by_index("value", "9")] == ["stays"]
        assert told.events.count(("add", "stays")) == 1


async def test_factory_shares_informers_and_starts_late_ones(api: RestClient) -> None:
    factory = InformerFactory(api)
    first = factory.informer(CONFIG_MAPS, namespace="default")
    assert factory.informer(CONFIG_MAPS, namespace="default") is first
    task = asyncio.create_task(factory.run())
    try:
        async with asyncio.timeout(_SECONDS):
            await factory.wait_synced()
            await factory.informer(LEASES).wait_synced()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_no_event_of_a_burst_is_lost(api: RestClient) -> None:
    recorder = EventRecorder(api, component="burst")
    for number in range(1500):
        about = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "default", "name": f"p{number}"}}
        recorder.event(about, "Normal", "Scheduled", "Successfully assigned")
        recorder.event(about, "Normal", "Scheduled", "Successfully assigned")
    running = asyncio.create_task(recorder.run())
    selector = "source=burst"

    async def all_there() -> bool:
        items = (await api.list(CORE_EVENTS, "default", field_selector=selector))["items"]
        return len(items) == 1500 and all(event["count"] == 2 for event in items)

    async with asyncio.timeout(50):
        while not await all_there():  # noqa: ASYNC110 (the server is asked, nothing tells)
            await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.wait([running])


async def test_events_are_counted_up(api: RestClient) -> None:
    about = await api.create(CONFIG_MAPS, config_map("subject"))
    recorder = EventRecorder(api, component="tester", host="here")
    task = asyncio.create_task(recorder.run())
    for _ in range(3):
        recorder.event(about, "Warning", "Failing", "it does not work")
    recorder.event(about, "Normal", "Other", "something else")
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    listed = await api.list(CORE_EVENTS, "default", field_selector="involvedObject.name=subject")
    found = {(event["reason"], event["count"]) for event in listed["items"]}
    assert found == {("Failing", 3), ("Other", 1)}
    assert {event["source"]["component"] for event in listed["items"]} == {"tester"}


async def test_one_leads_and_the_other_takes_over_at_once_when_it_leaves(api: RestClient) -> None:
    leading: asyncio.Queue[str] = asyncio.Queue()

    def candidate(name: str) -> asyncio.Task[None]:
        config = LeaderElectionConfig(name="test", identity=name, retry_seconds=0.05)

        async def work() -> None:
            leading.put_nowait(name)
            await asyncio.Event().wait()

        return asyncio.create_task(lead(api, config, work))

    async with asyncio.timeout(_SECONDS):
        first = candidate("one")
        assert await leading.get() == "one"
        second = candidate("two")
        await asyncio.sleep(0.2)
        assert leading.empty()
        first.cancel()
        assert await leading.get() == "two"
        lease = await api.get(LEASES, "kube-system", "test")
        assert lease["spec"]["holderIdentity"] == "two"
        assert lease["spec"]["leaseTransitions"] == 1
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)


async def test_a_new_certificate_ends_what_is_under_way_on_old_connections(
    server: ApiServerProcess, tmp_path: Path
) -> None:
    certificate = tmp_path / "client.pem"
    certificate.write_bytes(b"".join((tmp_path / "certs" / f"apiserver.{end}").read_bytes() for end in ("crt", "key")))
    async with server.client() as client, asyncio.timeout(_SECONDS):

        async def watch(number: int) -> None:
            async for _ in client.watch(CONFIG_MAPS, "default", resource_version="0", timeout_seconds=300):
                begun[number].set()

        await client.create(CONFIG_MAPS, config_map("seen"))
        begun = [asyncio.Event() for _ in range(20)]
        watches = [asyncio.create_task(watch(number)) for number in range(len(begun))]
        for number, event in enumerate(begun):
            if number % 2:  # the others are cut wherever they are: connecting, or waiting for the answer
                await event.wait()
        await client.use_certificate(certificate)
        ended = await asyncio.gather(*watches, return_exceptions=True)
        assert [error for error in ended if not isinstance(error, ServiceUnavailable)] == []
        assert name_of(await client.get(CONFIG_MAPS, "default", "seen")) == "seen"
