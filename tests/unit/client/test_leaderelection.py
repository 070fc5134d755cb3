"""Candidates for a lease in virtual time: when the lease is taken over, and that never two hold it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Any, cast

import pytest

from apimachinery.errors import Conflict, NotFound, ServiceUnavailable
from apimachinery.objects import Object
from client.leaderelection import LeaderElectionConfig, LostLease, lead
from client.rest import RestClient
from tests.unit.client.virtualtime import run_virtual

LEASE = 15.0


class Server:
    """Keeps one Lease."""

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.renewed_at: list[float] = []
        self.written = asyncio.Event()  #: set by every write

    def store(self, lease: Object, version: str | None) -> Object:
        """Take what is written over this version; raises Conflict."""
        now = self.lease
        if (now["metadata"]["resourceVersion"] if now else None) != version:
            raise Conflict("changed")
        self.renewed_at.append(asyncio.get_running_loop().time())
        metadata = lease["metadata"] | {"resourceVersion": str(len(self.renewed_at))}
        self.lease = {"metadata": metadata, "spec": lease["spec"]}
        self.written.set()
        return self.lease


class Link:
    """One candidate's way to the server: what its calls meet with."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._random = Random(3)
        self.looks = 0
        self.cut = ""  #: "refused", "no answer": it never comes to the server, "lost answer": it is done there
        self.answer_seconds = 0.0  #: how long answers are on their way

    async def get(self, *_: Any) -> Object:
        self.looks += 1

        def act() -> Object:
            if self._server.lease is None:
                raise NotFound("none")
            return self._server.lease

        return await self._call(act)

    async def create(self, _: Any, lease: Object) -> Object:
        return await self._call(lambda: self._server.store(lease, None))

    async def update(self, _: Any, lease: Object) -> Object:
        return await self._call(lambda: self._server.store(lease, lease["metadata"].get("resourceVersion")))

    async def _call(self, act: Callable[[], Object]) -> Object:
        if self.cut == "refused":
            raise ServiceUnavailable("refused")
        if self.cut == "no answer":
            await asyncio.sleep(1000)
        await asyncio.sleep(self._random.uniform(0.002, 0.02))
        answer = act()
        if self.cut == "lost answer":
            await asyncio.sleep(1000)
        await asyncio.sleep(self.answer_seconds)
        return answer


class Candidate:
    """A process that leads when it may."""

    def __init__(self, server: Server, name: str, **settings: Any) -> None:
        self.link = Link(server)
        self.ended = 0.0  #: when it led no longer
        self.leading = asyncio.Event()
        config = LeaderElectionConfig(name="test", identity=name, **settings)
        self.task = asyncio.create_task(lead(cast(RestClient, self.link), config, self._work))

    async def _work(self) -> None:
        self.leading.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = asyncio.get_running_loop().time()

    def die(self) -> None:
        """As by SIGKILL: nothing more reaches the server."""
        self.link.cut = "refused"
        self.task.cancel()

    async def stop(self) -> None:
        """As by SIGTERM."""
        self.task.cancel()
        with suppress(asyncio.CancelledError, LostLease):
            await self.task


@asynccontextmanager
async def leader_and_waiting(
    count: int = 1, **settings: Any
) -> AsyncIterator[tuple[Server, Candidate, list[Candidate]]]:
    """One that leads, with its settings, and others that have come at some time and waited for half a minute."""
    server = Server()
    first = Candidate(server, "first", **settings)
    await first.leading.wait()
    others = []
    for number in range(count):
        await asyncio.sleep(0.7)
        others.append(Candidate(server, f"other{number}"))
    await asyncio.sleep(30)
    try:
        yield server, first, others
    finally:
        for candidate in (first, *others):
            await candidate.stop()


async def seconds_until_one_leads(candidates: list[Candidate]) -> float:
    """From now; raises AssertionError where another one does as well."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.wait(
        [asyncio.create_task(candidate.leading.wait()) for candidate in candidates],
        return_when=asyncio.FIRST_COMPLETED,
    )
    seconds = loop.time() - began
    await asyncio.sleep(1)
    assert sum(candidate.leading.is_set() for candidate in candidates) == 1
    return seconds


@pytest.mark.parametrize("age", [0.05, 0.4, 0.9, 1.4, 1.95])
@pytest.mark.parametrize("others", [1, 3])
def test_the_lease_of_a_dead_leader_is_taken_over_when_it_ends(age: float, others: int) -> None:
    async def scenario() -> None:
        async with leader_and_waiting(others) as (server, first, waiting):
            server.written.clear()
            await server.written.wait()
            await asyncio.sleep(age)
            looks = [other.link.looks for other in waiting]
            first.die()
            seconds = await seconds_until_one_leads(waiting)
            assert LEASE <= age + seconds <= LEASE + 0.15
            for other, before in zip(waiting, looks, strict=True):
                assert other.link.looks - before <= 2 * LEASE + 4

    run_virtual(scenario())


@pytest.mark.parametrize("when", [0.1, 0.6, 1.1, 1.7])
def test_what_is_given_back_is_taken_at_the_next_look(when: float) -> None:
    async def scenario() -> None:
        async with leader_and_waiting() as (_, first, waiting):
            await asyncio.sleep(when)
            await first.stop()
            assert await seconds_until_one_leads(waiting) < 0.75

    run_virtual(scenario())


def test_it_is_given_back_also_while_a_renewal_is_on_its_way() -> None:
    async def scenario() -> None:
        async with leader_and_waiting() as (server, first, waiting):
            first.link.answer_seconds = 0.5
            server.written.clear()
            await server.written.wait()
            first.link.answer_seconds = 0.0
            await first.stop()
            assert await seconds_until_one_leads(waiting) < 0.75

    run_virtual(scenario())


def test_who_waits_looks_no_more_often_than_twice_a_second() -> None:
    async def scenario() -> None:
        async with leader_and_waiting() as (_, _, [other]):
            before = other.link.looks
            await asyncio.sleep(200)
            assert other.link.looks - before <= 400

    run_virtual(scenario())


@pytest.mark.parametrize("cut", ["refused", "no answer", "lost answer"])
@pytest.mark.parametrize("answer_seconds", [0.0, 2.4])
@pytest.mark.parametrize("retry_seconds", [2.0, 3.5])
def test_a_leader_that_is_cut_off_has_stopped_before_another_leads(
    cut: str, answer_seconds: float, retry_seconds: float
) -> None:
    """Also where the last answers came late: the other has seen the renewals long before the leader knows of them."""

    async def scenario() -> None:
        async with leader_and_waiting(retry_seconds=retry_seconds) as (server, first, [other]):
            first.link.answer_seconds = answer_seconds
            await asyncio.sleep(60)
            server.written.clear()
            await server.written.wait()
            await asyncio.sleep(answer_seconds)
            first.link.cut = cut
            await other.leading.wait()
            assert first.ended, "the first leads still"
            assert asyncio.get_running_loop().time() - first.ended >= LEASE - 10 - 0.2
            with pytest.raises(LostLease):
                await first.task

    run_virtual(scenario())


def test_the_length_that_the_holder_has_written_is_honoured() -> None:
    async def scenario() -> None:
        async with leader_and_waiting(lease_seconds=40.0) as (_, first, waiting):
            first.die()
            assert 37.9 <= await seconds_until_one_leads(waiting) <= 40.1

    run_virtual(scenario())


@pytest.mark.parametrize("cut", ["refused", "no answer"])
def test_one_who_cannot_reach_the_server_goes_on_trying(cut: str) -> None:
    async def scenario() -> None:
        only = Candidate(Server(), "only")
        only.link.cut = cut
        await asyncio.sleep(60)
        only.link.cut = ""
        assert await seconds_until_one_leads([only]) <= 10
        await only.stop()

    run_virtual(scenario())
