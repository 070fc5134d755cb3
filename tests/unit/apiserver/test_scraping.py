"""Metrics of several processes: a supervisor and its workers, here at the two ends of socket pairs."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator

import pytest

from apimachinery.errors import ServiceUnavailable
from apiserver.scraping import SupervisorEnd, WorkerEnd, packed, unpacked
from component.family import Family


def test_what_is_packed_is_unpacked_again() -> None:
    dump = [Family("a", "gauge", "Text.", {"a": 1.5, 'a{b="c"}': 2}), Family("n", "counter", "None yet.", {})]
    assert unpacked(packed(dump)) == dump
    (nothing,) = unpacked(packed([Family("x", "gauge", "Text.", {"x": math.nan})]))
    assert math.isnan(nothing.samples["x"])


@pytest.fixture
async def tasks() -> AsyncIterator[list[asyncio.Task[None]]]:
    running: list[asyncio.Task[None]] = []
    yield running
    for task in running:
        task.cancel()
    await asyncio.wait(running)


async def worker(supervisor: SupervisorEnd, tasks: list[asyncio.Task[None]]) -> WorkerEnd:
    """One that both sides know."""
    ours, its = socket.socketpair()
    made = WorkerEnd(its.detach())
    tasks += [asyncio.create_task(supervisor.follow(ours)), asyncio.create_task(made.run())]
    for _ in range(200):
        try:
            await made.text()
        except ServiceUnavailable:
            await asyncio.sleep(0.01)
        else:
            return made
    pytest.fail("the worker is not known")


def count(text: bytes) -> float:
    """A counter that each process has."""
    line = next(line for line in text.decode().splitlines() if line.startswith("process_cpu_seconds_total "))
    return float(line.split()[1])


async def test_those_who_ask_at_the_same_time_get_the_same_answer(tasks: list[asyncio.Task[None]]) -> None:
    supervisor = SupervisorEnd()
    first, second = await worker(supervisor, tasks), await worker(supervisor, tasks)
    answers = await asyncio.gather(first.text(), first.text(), second.text())
    assert len(set(answers)) == 1


async def test_what_a_worker_had_counted_stays(tasks: list[asyncio.Task[None]]) -> None:
    supervisor = SupervisorEnd()
    first, _ = await worker(supervisor, tasks), await worker(supervisor, tasks)
    before = count(await first.text())
    tasks[3].cancel()  # the second worker ends
    await asyncio.wait({tasks[2]})
    assert count(await first.text()) >= before


async def test_without_a_supervisor_nothing_is_answered() -> None:
    theirs, its = socket.socketpair()
    theirs.setblocking(False)
    silent = WorkerEnd(its.detach(), answer_seconds=0.05)
    with pytest.raises(ServiceUnavailable, match="is not there"):
        await silent.text()
    running = asyncio.create_task(silent.run())
    assert await asyncio.get_running_loop().sock_recv(theirs, 5) == b"R\0\0\0\0"
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        await silent.text()
    theirs.close()
    await asyncio.wait_for(running, 5)
    with pytest.raises(ServiceUnavailable, match="is not there"):
        await silent.text()
