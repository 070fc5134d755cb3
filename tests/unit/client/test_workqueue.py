"""The work queue's promises, on a virtual clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from client.workqueue import ShutDown, WorkQueue
from tests.unit.client.virtualtime import run_virtual


def now() -> float:
    return asyncio.get_running_loop().time()


def test_a_key_waits_only_once_and_keys_keep_their_order() -> None:
    async def main() -> None:
        queue = WorkQueue("order")
        for key in ("a", "b", "a", "c"):
            queue.add(key)
        assert len(queue) == 3
        assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]

    run_virtual(main())


def test_a_key_added_while_worked_on_comes_again_after_done_and_never_twice_at_once() -> None:
    async def main() -> None:
        queue = WorkQueue("again")
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0
        queue.done("a")
        assert len(queue) == 1
        assert await queue.get() == "a"
        queue.done("a")
        assert len(queue) == 0

    run_virtual(main())


def test_the_soonest_of_several_delays_wins() -> None:
    async def main() -> None:
        queue = WorkQueue("delays")
        queue.add_after("a", 10)
        queue.add_after("a", 3)
        queue.add_after("a", 5)
        queue.add_after("b", 4)
        assert await queue.get() == "a"
        assert now() == pytest.approx(3)
        queue.done("a")
        assert await queue.get() == "b"
        assert now() == pytest.approx(4)

    run_virtual(main())


def test_failures_back_off_by_doubling_up_to_the_limit() -> None:
    async def main() -> None:
        queue = WorkQueue("failures", base_delay_seconds=1, max_delay_seconds=5)
        waited = []
        for _ in range(5):
            before = now()
            queue.add_rate_limited("a")
            await queue.get()
            queue.done("a")
            waited.append(now() - before)
        assert waited == pytest.approx([1, 2, 4, 5, 5])
        assert queue.num_requeues("a") == 5
        queue.forget("a")
        assert queue.num_requeues("a") == 0

    run_virtual(main())


def test_a_failure_count_of_any_size_is_harmless() -> None:
    async def main() -> None:
        queue = WorkQueue("many")
        for _ in range(5000):
            queue.add_rate_limited("a")
        assert await queue.get() == "a"

    run_virtual(main())


def test_shutting_down_drains_and_then_ends_every_getter() -> None:
    async def main() -> None:
        queue = WorkQueue("down")
        queue.add("a")
        queue.add_after("later", 1)
        queue.shut_down()
        queue.add("b")
        assert await queue.get() == "a"
        with pytest.raises(ShutDown):
            await queue.get()

        waiting = WorkQueue("waiting")
        getters = [asyncio.create_task(waiting.get()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting.shut_down()
        results = await asyncio.gather(*getters, return_exceptions=True)
        assert all(isinstance(result, ShutDown) for result in results)

    run_virtual(main())


def test_a_cancelled_getter_loses_no_key() -> None:
    async def main() -> None:
        queue = WorkQueue("cancel")
        first = asyncio.create_task(queue.get())
        second = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")  # wakes the first
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        assert await asyncio.wait_for(second, 1) == "a"

    run_virtual(main())
