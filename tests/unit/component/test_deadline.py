"""A shared time limit ends what runs too long, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from component.deadline import Deadline

_FOR_EVER = 3600.0


async def test_what_runs_too_long_is_cancelled_and_told() -> None:
    deadline = Deadline(0.01)

    async def hang() -> str:
        try:
            with deadline.within():
                await asyncio.sleep(_FOR_EVER)
        except TimeoutError:
            task = asyncio.current_task()
            assert task is not None
            return f"timed out, {task.cancelling()} cancellations left"
        return "ended"

    async with asyncio.timeout(10):
        assert list(await asyncio.gather(hang(), hang())) == ["timed out, 0 cancellations left"] * 2
        await asyncio.sleep(0.02)
        assert await hang() == "timed out, 0 cancellations left"  # the timer is set anew after a quiet time


async def test_what_ends_in_time_is_left_alone() -> None:
    deadline = Deadline(_FOR_EVER)
    with deadline.within():
        await asyncio.sleep(0)
    short = Deadline(0.01)
    with short.within():
        pass
    await asyncio.sleep(0.05)  # its time is over, and nobody is cancelled


async def test_a_cancellation_from_outside_is_none_of_its_business() -> None:
    deadline, begun = Deadline(_FOR_EVER), asyncio.Event()

    async def wait() -> None:
        with deadline.within():
            begun.set()
            await asyncio.sleep(_FOR_EVER)

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_errors_pass_through() -> None:
    with pytest.raises(KeyError), Deadline(_FOR_EVER).within():
        raise KeyError
