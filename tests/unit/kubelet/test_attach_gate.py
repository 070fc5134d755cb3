"""Attaching and collecting exclude each other."""

from __future__ import annotations

import asyncio

from kubelet.attach_gate import AttachGate


async def test_a_collector_waits_for_attachments_and_holds_new_ones_back() -> None:
    gate, order, release = AttachGate(), list[str](), asyncio.Event()

    async def attach(name: str, wait: bool) -> None:
        async with gate.attaching():
            order.append(f"{name} begins")
            if wait:
                await release.wait()
            order.append(f"{name} ends")

    async def collect() -> None:
        async with gate.collecting():
            order.append("collect")

    async with asyncio.TaskGroup() as group:
        group.create_task(attach("a", wait=True))
        group.create_task(attach("b", wait=True))
        await asyncio.sleep(0)
        group.create_task(collect())
        await asyncio.sleep(0)
        group.create_task(attach("c", wait=False))
        await asyncio.sleep(0)
        assert order == ["a begins", "b begins"]
        release.set()
    assert order == ["a begins", "b begins", "a ends", "b ends", "collect", "c begins", "c ends"]
