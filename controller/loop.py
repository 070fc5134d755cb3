"""The base of every controller: informers feed a queue of keys, workers make the world match, one key at a time.

Level-triggered: `sync` reads the stores afresh and may be run again at any time. What it decides is in the controllers'
`plan.py`; this is only the machinery that calls it."""

from __future__ import annotations

import asyncio
import logging

from apimachinery.errors import ApiError, Conflict
from apimachinery.meta import Resource
from apimachinery.objects import Object, key_of
from client.informer import Informer
from client.workqueue import ShutDown, WorkQueue
from controller.context import Context

logger = logging.getLogger(__name__)
_SYNC_TIMEOUT_SECONDS = 300.0


class RetryLater(Exception):
    """From `sync`: nothing is wrong with the program, but this cannot be done now."""


class Controller:
    """Subclasses set `name`, call `watch` for what they read, enqueue keys from handlers, and override `sync`."""

    name: str = ""

    def __init__(self, context: Context, *, workers: int = 5) -> None:
        self.context = context
        self.client = context.client
        self.queue = WorkQueue(self.name)
        self._workers = workers
        self._informers: list[Informer] = []

    def watch(self, resource: Resource) -> Informer:
        """The shared informer of a resource; `run` waits until it is synced before any key is worked on."""
        informer = self.context.informers.informer(resource)
        self._informers.append(informer)
        return informer

    def enqueue(self, obj: Object) -> None:
        """Queue the object's own key."""
        self.queue.add(key_of(obj))

    def enqueue_changed(self, old: Object | None, new: Object | None) -> None:
        """An informer's handler that queues the changed object itself."""
        obj = new if new is not None else old
        if obj is not None:
            self.enqueue(obj)

    async def sync(self, key: str) -> None:
        """Make the world match the object of `key`; raise to be called again after the key's back-off."""
        raise TypeError(f"{type(self).__name__} has no sync")

    async def run(self) -> None:
        """Work until cancelled. The first worker's death (which is a bug: errors of `sync` are retried) ends it."""
        for informer in self._informers:
            await informer.wait_synced()
        logger.info("Controller started", extra={"controller": self.name, "workers": self._workers})
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name}-worker-{number}")

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except ShutDown:
                return
            try:
                await self._sync_once(key)
            finally:
                self.queue.done(key)

    async def _sync_once(self, key: str) -> None:
        """One try; every failure is logged and queued again, so that no object can stop the others."""
        try:
            async with asyncio.timeout(_SYNC_TIMEOUT_SECONDS):
                await self.sync(key)
        except Conflict as error:
            logger.debug("Trying again", extra={"controller": self.name, "key": key, "error": error.message})
        except (ApiError, RetryLater, TimeoutError) as error:
            logger.warning("Sync failed", extra={"controller": self.name, "key": key, "error": str(error)})
        except Exception:
            logger.exception("Sync broke", extra={"controller": self.name, "key": key})
        else:
            self.queue.forget(key)
            return
        self.queue.add_rate_limited(key)
