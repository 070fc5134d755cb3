"""What the runtime has, remembered: kept by Docker's events, corrected by a relist every few seconds (the PLEG).

Who changes a container itself tells the cache by `refresh`, so that events about it need no second look."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from kubelet.metrics import RELIST_SECONDS
from kubelet.plan.records import ContainerRecord, PodRecord, pod_record
from kubelet.runtime.interface import Runtime, RuntimeEvent, RuntimeFailure

logger = logging.getLogger(__name__)

_RELIST_PERIOD_SECONDS = 10.0
_RETRY_SECONDS = 1.0


class ContainerCache:
    """All our containers by pod. `on_change` is told the uid of a pod of which something changed."""

    def __init__(self, runtime: Runtime, on_change: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._on_change = on_change
        self._records: dict[str, ContainerRecord] = {}
        self._by_pod: dict[str, dict[str, ContainerRecord]] = {}
        self._touched: dict[str, float] = {}
        self._listed = asyncio.Event()
        self.trouble: str | None = "the container runtime has not been asked yet"

    def pod(self, uid: str) -> PodRecord:
        """What the runtime has of the pod."""
        return pod_record(uid, self._by_pod.get(uid, {}).values())

    def records(self) -> list[ContainerRecord]:
        """Everything that the runtime has of ours."""
        return list(self._records.values())

    def pod_uids(self) -> set[str]:
        """The pods of which the runtime has anything."""
        return set(self._by_pod)

    def sandbox_ids(self) -> set[str]:
        """Every sandbox, running or not."""
        return {record.id for record in self._records.values() if record.sandbox}

    async def wait_listed(self) -> None:
        """Return once the first relist succeeded."""
        await self._listed.wait()

    async def refresh(self, container_id: str) -> ContainerRecord | None:
        """Ask the runtime for one container now; its record, None when it is gone."""
        record = await self._runtime.inspect(container_id)
        self._touched[container_id] = time.monotonic()
        if record is None:
            self._drop(container_id)
        else:
            self._put(record)
        return record

    def forget(self, container_id: str) -> None:
        """The container was removed."""
        self._touched[container_id] = time.monotonic()
        self._drop(container_id)

    async def relist(self) -> None:
        """Compare with everything that the runtime has; raises RuntimeFailure."""
        begun = time.monotonic()
        listed = {record.id: record for record in await self._runtime.list_containers(dict(self._records))}
        for container_id in [cid for cid, at in self._touched.items() if at < begun - 60]:
            del self._touched[container_id]
        for container_id, record in listed.items():
            if self._touched.get(container_id, 0.0) < begun:
                self._put(record)
        for container_id in set(self._records) - set(listed):
            if self._touched.get(container_id, 0.0) < begun:
                self._drop(container_id)
        RELIST_SECONDS.observe(time.monotonic() - begun)
        self.trouble = None
        self._listed.set()

    async def run_relist(self) -> None:
        """Relist for ever; while the runtime does not answer, every second."""
        while True:
            try:
                await self.relist()
            except RuntimeFailure as error:
                if self.trouble is None:
                    logger.error("The container runtime does not answer", extra={"error": str(error)})
                self.trouble = str(error)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                await asyncio.sleep(_RELIST_PERIOD_SECONDS)

    async def run_events(self) -> None:
        """Follow the runtime's events for ever; a relist makes up for what was missed between two streams."""
        while True:
            try:
                async for event in self._runtime.events():
                    await self._take(event)
            except RuntimeFailure as error:
                logger.info("The runtime's event stream ended", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)
                try:
                    await self.relist()
                except RuntimeFailure as again:
                    self.trouble = str(again)

    async def _take(self, event: RuntimeEvent) -> None:
        known = self._records.get(event.container_id)
        if event.kind == "destroy":
            if known is not None:
                self.forget(event.container_id)
        elif event.kind == "die":
            if known is None or known.state != "exited":
                await self.refresh(event.container_id)
        elif event.kind == "start" and known is not None and known.state == "created":
            await self.refresh(event.container_id)

    def _put(self, record: ContainerRecord) -> None:
        before = self._records.get(record.id)
        if before == record:
            return
        self._records[record.id] = record
        self._by_pod.setdefault(record.pod_uid, {})[record.id] = record
        self._on_change(record.pod_uid)

    def _drop(self, container_id: str) -> None:
        record = self._records.pop(container_id, None)
        if record is None:
            return
        of_pod = self._by_pod[record.pod_uid]
        del of_pod[container_id]
        if not of_pod:
            del self._by_pod[record.pod_uid]
        self._on_change(record.pod_uid)
