"""Ends pods: preStop hooks, stop signal, grace, SIGKILL; then the sandbox, the network, volumes and containers.

Every step may be repeated: after a crash the next kubelet does the same again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from apimachinery.objects import Object, key_of, uid_of
from kubelet.handlers import HandlerBroken, HandlerFailed, Handlers
from kubelet.network.errors import NetworkError
from kubelet.node_services import NodeServices, find_container
from kubelet.plan import names
from kubelet.plan.records import ContainerRecord
from kubelet.runtime.interface import RuntimeFailure
from kubelet.volumes.interface import MountFailed

logger = logging.getLogger(__name__)

_MINIMUM_GRACE_SECONDS = 2.0
_DEFAULT_GRACE_SECONDS = 30


class Terminator:
    """Ends what runs of a pod."""

    def __init__(self, node: NodeServices, handlers: Handlers) -> None:
        self._node = node
        self._handlers = handlers

    async def end(self, pod: Object, hurry: asyncio.Event) -> None:
        """Stop every container and the sandbox, take the address back; `hurry` is set when the grace was shortened.
        Raises RuntimeFailure and NetworkError: to be repeated."""
        uid = uid_of(pod)
        self._node.prober.stop(uid, ("liveness", "startup"))
        running = self._node.cache.pod(uid).running
        grace = _grace_of(pod)
        results = await asyncio.gather(
            *(self._stop(pod, record, grace, f"Stopping container {record.name}", hurry) for record in running),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        self._node.prober.stop(uid)
        for sandbox in self._node.cache.pod(uid).sandboxes:
            await self._node.network.detach(sandbox.id)

    async def release(self, pod: Object) -> None:
        """The pod has ended but stays in the API: its sandboxes and volumes go, its containers stay for their logs."""
        uid = uid_of(pod)
        await self.remove_containers(self._node.cache.pod(uid).sandboxes)
        try:
            await self._node.volumes.release(uid)
        except MountFailed as error:
            logger.warning("Volumes of an ended pod remain", extra={"pod": key_of(pod), "error": str(error)})
        self._node.resources.forget(uid)
        self._node.images.forget(uid)

    async def clean(self, pod: Object) -> None:
        """Remove all that is left of the pod; what cannot be removed now is found again by the housekeeping."""
        uid = uid_of(pod)
        seen = self._node.cache.pod(uid)
        try:
            for sandbox in seen.sandboxes:
                await self._node.network.detach(sandbox.id)
            await self.remove_containers([*seen.sandboxes, *seen.containers])
            await self._node.volumes.unmount(uid)
        except (RuntimeFailure, NetworkError, MountFailed, OSError) as error:
            logger.warning("A pod's remains could not be removed", extra={"pod": key_of(pod), "error": str(error)})
        self._node.images.forget(uid)
        self._node.resources.forget(uid)

    async def stop_one(self, pod: Object, name: str, container_id: str, message: str) -> None:
        """Stop one container of a pod that goes on."""
        for record in self._node.cache.pod(uid_of(pod)).attempts(name):
            if record.id == container_id and record.running:
                container = find_container(pod, name) or {}
                grace = self._probe_grace(container, message, _grace_of(pod))
                await self._stop(pod, record, grace, message, asyncio.Event())

    @staticmethod
    def _probe_grace(container: Object, message: str, grace: float) -> float:
        for kind in ("liveness", "startup"):
            own = (container.get(f"{kind}Probe") or {}).get("terminationGracePeriodSeconds")
            if own is not None and f"failed {kind} probe" in message:
                return float(own)
        return grace

    async def stop_sandbox(self, record: ContainerRecord) -> None:
        """Take the sandbox off the network and end it; its record stays until it is replaced."""
        await self._node.network.detach(record.id)
        await self._node.runtime.kill(record.id)
        await self._node.cache.refresh(record.id)

    async def remove_containers(self, records: Sequence[ContainerRecord]) -> None:
        """Remove containers or sandboxes, running or not, side by side."""

        async def remove(record: ContainerRecord) -> None:
            await self._node.runtime.remove(record.id)
            self._node.cache.forget(record.id)

        results = await asyncio.gather(*(remove(record) for record in records), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def drop_old(self, attempts: Iterable[ContainerRecord]) -> None:
        """Keep the newest container and the one before it (its logs are `kubectl logs --previous`)."""
        old = [record for record in list(attempts)[2:] if not record.running]
        try:
            await self.remove_containers(old)
        except RuntimeFailure as error:
            logger.info("Old containers could not be removed", extra={"error": str(error)})

    async def _stop(
        self, pod: Object, record: ContainerRecord, grace: float, message: str, hurry: asyncio.Event
    ) -> None:
        self._node.event(pod, "Normal", "Killing", message, record.name)
        begun = time.monotonic()
        if grace > 0:
            await self._pre_stop(pod, record, grace, hurry)
        left = max(_MINIMUM_GRACE_SECONDS, grace - (time.monotonic() - begun))
        name = f"stop {record.name}"
        stop = asyncio.create_task(self._node.runtime.stop(record.id, left), name=name)
        waiting = asyncio.create_task(hurry.wait(), name=f"{name}: grace shortened")
        try:
            await asyncio.wait({stop, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                done, _ = await asyncio.wait({stop}, timeout=_MINIMUM_GRACE_SECONDS)
                if not done:
                    await self._node.runtime.kill(record.id)
            await stop
        finally:
            waiting.cancel()
            if not stop.done():
                stop.cancel()
        await self._node.cache.refresh(record.id)

    async def _pre_stop(self, pod: Object, record: ContainerRecord, grace: float, hurry: asyncio.Event) -> None:
        container = find_container(pod, record.name) or {}
        hook = (container.get("lifecycle") or {}).get("preStop") or _labelled_hook(record)
        if not hook:
            return
        ip = (pod.get("status") or {}).get("podIP") or ""
        run = asyncio.create_task(
            self._handlers.run(hook, container, record.id, ip, grace), name=f"preStop {record.name}"
        )
        waiting = asyncio.create_task(hurry.wait(), name=f"preStop {record.name}: grace shortened")
        try:
            await asyncio.wait({run, waiting}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
            if run.done():
                await run
        except (HandlerFailed, HandlerBroken) as error:
            self._node.event(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", record.name)
            logger.info("preStop hook failed", extra={"container": record.name, "error": str(error)})
        finally:
            waiting.cancel()
            run.cancel()


def _labelled_hook(record: ContainerRecord) -> dict[str, Any]:
    """The hook that the container was started with: all that is known of a pod that the API forgot."""
    text = record.labels.get(names.PRE_STOP)
    found: dict[str, Any] = orjson.loads(text) if text else {}
    return found


def _grace_of(pod: Object) -> float:
    deleting = pod["metadata"].get("deletionGracePeriodSeconds")
    if pod["metadata"].get("deletionTimestamp") and deleting is not None:
        return float(max(deleting, 1))
    return float(pod["spec"].get("terminationGracePeriodSeconds", _DEFAULT_GRACE_SECONDS))
