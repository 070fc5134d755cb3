"""The scheduler at work: events of the API server feed cache and queue; one pod after the other gets its node.

Decisions are made one at a time and never wait; what they lead to (bindings, Events, conditions) is written by
a bounded number of tasks beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from random import Random
from typing import Any

from api.resources import (
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STORAGE_CLASSES,
)
from apimachinery.errors import ApiError, Conflict, NotFound
from apimachinery.objects import Object, key_of, labels_of, name_of, uid_of
from client.events import EventRecorder
from client.informer import InformerFactory
from client.rest import RestClient
from scheduler import events, metrics
from scheduler.bind import Binder, BindError
from scheduler.cache import Cache
from scheduler.decide import Evaluations, Placed, Unschedulable, decide
from scheduler.lookups import StoreLookups
from scheduler.messages import why_unschedulable
from scheduler.podinfo import DEFAULT_SCHEDULER, PodInfo, is_terminal
from scheduler.preemption import Preemptor
from scheduler.profile import DEFAULT
from scheduler.queue import SchedulingQueue, Waiting
from scheduler.snapshot import Snapshot
from scheduler.volumes import BindVolume, ProvisionVolume, claim_names, plan

logger = logging.getLogger(__name__)
_WRITES_AT_ONCE = 32
_FLUSH_SECONDS = 30.0
_LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed"


class Scheduler:
    """One scheduler for the pods that name it. `run` until cancelled."""

    def __init__(
        self, client: RestClient, factory: InformerFactory, recorder: EventRecorder, *, max_unschedulable_seconds: float
    ) -> None:
        self._factory = factory
        lookups = StoreLookups(factory)
        self._lookups = lookups
        self._snapshot = Snapshot(lookups)
        self._cache = Cache(self._snapshot)
        self._queue = SchedulingQueue(max_unschedulable_seconds=max_unschedulable_seconds)
        self._evaluations = Evaluations()
        self._binder = Binder(client, recorder, lookups)
        self._preemptor = Preemptor(client, factory, recorder, self._snapshot)
        self._rng = Random()
        self._start = 0
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(_WRITES_AT_ONCE)
        factory.informer(NAMESPACES).on_change(self._on_namespace)
        factory.informer(NODES).on_change(self._on_node)
        self._pods = factory.informer(PODS, field_selector=_LIVE_PODS)
        self._pods.on_change(self._on_pod)
        for resource in (PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES):
            factory.informer(resource).on_change(self._on_storage)
        metrics.watch_queue(self._queue)

    async def run(self) -> None:
        """Schedule until cancelled; raises what a write raised unexpectedly."""
        await self._factory.wait_synced()
        logger.info("Caches are synced", extra={"nodes": len(self._snapshot.order), "waiting": len(self._queue)})
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._flush_unschedulable(), name="flush-unschedulable")
                group.create_task(self._schedule(group), name="schedule")
        finally:
            metrics.watch_queue(None)

    async def _schedule(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        while True:
            entry = self._queue.pop(loop.time())
            if entry is None:
                await self._wait(self._queue.next_time())
                continue
            await self._slots.acquire()
            work = self._attempt(entry)
            if work is None:
                self._slots.release()
            else:
                group.create_task(self._write(work), name=f"write-{entry.info.key}")
            await asyncio.sleep(0)  # let events in and writes out

    async def _wait(self, until: float | None) -> None:
        self._wake.clear()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            logger.debug("A back-off is over", extra={"time": loop.time()})

    async def _write(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._slots.release()

    async def _flush_unschedulable(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self._queue.flush_unschedulable(loop.time())
            self._wake.set()

    # -- one pod ---------------------------------------------------------------------------------------------------

    def _attempt(self, entry: Waiting) -> Coroutine[Any, Any, None] | None:
        """Decide, and return what is to be written."""
        info = entry.info
        current = self._pods.store.get(info.key)
        if current is None or uid_of(current) != info.uid or (current.get("metadata") or {}).get("deletionTimestamp"):
            return None
        if (current.get("spec") or {}).get("nodeName") or self._cache.is_assumed(info.key, info.uid):
            return None
        started = asyncio.get_running_loop().time()
        outcome = decide(info, self._snapshot, DEFAULT, start=self._start, rng=self._rng, evaluations=self._evaluations)
        metrics.ALGORITHM_SECONDS.observe(asyncio.get_running_loop().time() - started)
        if isinstance(outcome, Placed):
            self._start = outcome.next_start
            return self._place(entry, outcome.node)
        metrics.ATTEMPTS.labels("unschedulable", DEFAULT_SCHEDULER).inc()
        return self._refuse(entry, outcome)

    def _place(self, entry: Waiting, node: str) -> Coroutine[Any, Any, None]:
        info = entry.info
        steps: list[BindVolume | ProvisionVolume] = []
        if claim_names(info):
            steps = plan(info, self._snapshot.nodes[node], self._lookups) or []
        self._cache.assume(info, node)
        self._preemptor.clear(info.uid)
        return self._bind(entry, node, steps)

    async def _bind(self, entry: Waiting, node: str, steps: list[BindVolume | ProvisionVolume]) -> None:
        info = entry.info
        try:
            await self._binder.bind(info, node, steps)
        except NotFound as error:
            self._cache.forget(info.key, info.uid)
            logger.info("The pod to bind is gone", extra={"pod": info.key, "error": error.message})
        except (ApiError, BindError) as error:
            await self._bind_failed(entry, node, error)
        else:
            metrics.ATTEMPTS.labels("scheduled", DEFAULT_SCHEDULER).inc()

    async def _bind_failed(self, entry: Waiting, node: str, error: ApiError | BindError) -> None:
        info = entry.info
        self._cache.forget(info.key, info.uid)
        metrics.ATTEMPTS.labels("error", DEFAULT_SCHEDULER).inc()
        logger.warning("Binding failed", extra={"pod": info.key, "node": node, "error": str(error)})
        loop = asyncio.get_running_loop()
        current = self._pods.store.get(info.key)
        # An answer that got lost may have been a yes; then the watch brings the pod with its node.
        if current is not None and uid_of(current) == info.uid and not current["spec"].get("nodeName"):
            entry.info = PodInfo(current)
            self._queue.retry_later(entry, loop.time())
        self._queue.move(events.POD_GONE, loop.time())
        self._wake.set()
        if not isinstance(error, Conflict):
            message = f"binding rejected: {error}"
            await self._binder.refused(entry.info, message, reason="SchedulerError")

    async def _refuse(self, entry: Waiting, outcome: Unschedulable) -> None:
        loop = asyncio.get_running_loop()
        info = entry.info
        # Queue the pod before the first await: an event that comes meanwhile must find it there.
        self._queue.unschedulable(entry, outcome.rules, loop.time())
        nominated, text = await self._preemptor.preempt(info, outcome)
        message = why_unschedulable(outcome, text)
        logger.info("No node for pod", extra={"pod": info.key, "reason": message})
        await self._binder.refused(info, message, nominated=nominated)

    # -- events ----------------------------------------------------------------------------------------------------

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        now = asyncio.get_running_loop().time()
        if old is not None and (new is None or uid_of(old) != uid_of(new)):
            self._pod_gone(old, now)
        if new is None:
            return
        if (new.get("spec") or {}).get("nodeName"):
            self._pod_placed(new, now)
        elif self._responsible(new):
            if not self._cache.is_assumed(key_of(new), uid_of(new)):
                self._pod_waiting(old, new, now)
        else:
            self._queue.remove(key_of(new))
        self._wake.set()

    def _pod_waiting(self, old: Object | None, new: Object, now: float) -> None:
        if (new.get("metadata") or {}).get("deletionTimestamp"):
            self._queue.remove(key_of(new))
            return
        if old is None or uid_of(old) != uid_of(new):
            self._queue.add(PodInfo(new), now)
        else:
            self._queue.update(PodInfo(new), now)
        self._preemptor.nominate(new)

    def _pod_placed(self, pod: Object, now: float) -> None:
        key = key_of(pod)
        self._queue.remove(key)
        self._preemptor.clear(uid_of(pod))
        if is_terminal(pod):
            if self._cache.remove(key, uid_of(pod)):
                self._queue.move(events.POD_GONE, now)
        elif self._cache.confirm(pod):
            self._queue.move(events.POD_PLACED, now)

    def _pod_gone(self, pod: Object, now: float) -> None:
        key = key_of(pod)
        self._queue.remove(key)
        self._preemptor.clear(uid_of(pod))
        if self._cache.remove(key, uid_of(pod)):
            self._queue.move(events.POD_GONE, now)
        self._wake.set()

    def _responsible(self, pod: Object) -> bool:
        return ((pod.get("spec") or {}).get("schedulerName") or DEFAULT_SCHEDULER) == DEFAULT_SCHEDULER

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is None:
            if old is not None:
                self._cache.remove_node(old)
            return
        if old is not None and not node_changed(old, new):
            return
        self._cache.set_node(new)
        self._queue.move(events.NODE_CHANGED, asyncio.get_running_loop().time())
        self._wake.set()

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        subject = new or old or {}
        self._snapshot.set_namespace(name_of(subject), labels_of(new) if new is not None else None)
        if old is not None and new is not None and labels_of(old) != labels_of(new):
            self._queue.move(events.NAMESPACE_CHANGED, asyncio.get_running_loop().time())
            self._wake.set()

    def _on_storage(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.move(events.STORAGE_CHANGED, asyncio.get_running_loop().time())
            self._wake.set()


def node_changed(old: Object, new: Object) -> bool:
    """Whether anything but heartbeats changed: what rules look at."""
    if old.get("spec") != new.get("spec") or labels_of(old) != labels_of(new) or uid_of(old) != uid_of(new):
        return True
    was, now = old.get("status") or {}, new.get("status") or {}
    return was.get("allocatable") != now.get("allocatable") or was.get("images") != now.get("images")
