"""Why a container or pod could not be brought up: a waiting reason, a message, and when to try again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kubelet.plan.container_status import StartError

T = TypeVar("T")


class StartFailed(Exception):
    """A container did not start; shown as its waiting state. `retry_seconds`: when to look again."""

    def __init__(self, reason: str, message: str, retry_seconds: float = 10.0) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_seconds = retry_seconds

    @property
    def shown(self) -> StartError:
        """For the container's status."""
        return StartError(self.reason, self.message)


class Interrupted(Exception):
    """The pod is to end: what took long (a pull, a hook) is not waited for."""


class SyncFailed(Exception):
    """The pod as a whole could not be brought further (no sandbox, a volume missing); its event is written."""


async def unless(ending: asyncio.Event, work: Coroutine[Any, Any, T], name: str) -> T:
    """The result of `work`, which is cancelled when `ending` is set before: then raises Interrupted."""
    task = asyncio.create_task(work, name=name)
    waiting = asyncio.create_task(ending.wait(), name=f"{name}: pod ends")
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Interrupted(name)
        return task.result()
    finally:
        waiting.cancel()
        task.cancel()
