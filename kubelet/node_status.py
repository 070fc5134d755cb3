"""This machine's Node object: registered, its status written every 10 s when something changed (else every 5 min), and
its Lease renewed every 10 s. What is written is decided in `plan/node.py`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from api.resources import LEASES, NODES
from apimachinery.errors import AlreadyExists, ApiError, Conflict, NotFound
from apimachinery.objects import Object, format_micro_time, format_time, uid_of
from client.events import EventRecorder
from client.rest import RestClient
from kubelet.plan.node import NodeFacts, label_patch, new_node, node_status, status_changed, status_patch
from kubelet.plan.node_events import NodeEvent, schedulable_events, status_events

logger = logging.getLogger(__name__)

_LEASE_NAMESPACE = "kube-node-lease"
_REGISTER_RETRY_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 7.0)
_LEASE_RETRY_SECONDS = 1.0
_SETTLE_SECONDS = 5.0


class NodeStatus:
    """Keeps the Node object up to date. `facts` gives what is true now."""

    def __init__(
        self, client: RestClient, recorder: EventRecorder, facts: Callable[[], Awaitable[NodeFacts]], *,
        update_seconds: float, report_seconds: float, lease_seconds: int, hard_eviction_memory: int, register: bool,
    ) -> None:  # fmt: skip
        self._client = client
        self._recorder = recorder
        self._facts = facts
        self._update_seconds = update_seconds
        self._report_seconds = report_seconds
        self._lease_seconds = lease_seconds
        self._hard_eviction_memory = hard_eviction_memory
        self._register = register
        self._written_at = 0.0
        self._cordoned = False  #: as `kubectl cordon` was seen to have left it
        self._wake = asyncio.Event()
        self.registered = asyncio.Event()
        self.settled = asyncio.Event()
        self.uid = ""

    def wake(self) -> None:
        """Something of the node changed: write soon."""
        self._wake.set()

    async def run(self) -> None:
        """Register, then keep the status up to date until cancelled."""
        await self._registered()
        self.registered.set()
        await self._settle()
        while True:
            try:
                await self._update()
            except ApiError as error:
                logger.warning("Error updating node status, will retry", extra={"error": str(error)})
            try:
                async with asyncio.timeout(self._update_seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue
            self._wake.clear()

    async def _settle(self) -> None:
        """A kubelet that comes back takes its node's word over until it has looked around (`settled`): else each
        restart would make a node that is well NotReady for a moment."""
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                await self.settled.wait()
        except TimeoutError:
            logger.info("Runtime or network are not up yet; saying so")

    async def _registered(self) -> None:
        attempt = 0
        while True:
            try:
                facts = await self._facts()
                if self._register:
                    await self._register_node(facts)
                else:
                    self.uid = uid_of(await self._client.get(NODES, "", facts.name))
                return
            except ApiError as error:
                delay = _REGISTER_RETRY_SECONDS[min(attempt, len(_REGISTER_RETRY_SECONDS) - 1)]
                logger.warning("Unable to register node with API server", extra={"error": str(error)})
                attempt += 1
                await asyncio.sleep(delay)

    async def _register_node(self, facts: NodeFacts) -> None:
        now = format_time(datetime.now(UTC))
        status = node_status(facts, {}, now, self._hard_eviction_memory)
        try:
            created = await self._client.create(NODES, new_node(facts, status))
            self.uid = uid_of(created)
            self._tell(facts.name, status_events(facts.name, {}, status))
            logger.info("Successfully registered node", extra={"node": facts.name})
            return
        except AlreadyExists:
            existing = await self._client.get(NODES, "", facts.name)
        self.uid = uid_of(existing)
        patch = label_patch(existing, facts)
        if patch is not None:
            await self._client.patch(NODES, "", facts.name, patch, patch_type="merge")
        logger.info("Node was previously registered", extra={"node": facts.name})

    async def _update(self) -> None:
        facts = await self._facts()
        try:
            node = await self._client.get(NODES, "", facts.name, resource_version="0")
        except NotFound:
            if not self._register:
                raise
            await self._register_node(facts)
            node = await self._client.get(NODES, "", facts.name)
        self.uid = uid_of(node)
        self._tell(facts.name, schedulable_events(self._cordoned, node))
        self._cordoned = bool((node.get("spec") or {}).get("unschedulable"))
        old: dict[str, Any] = node.get("status") or {}
        now = format_time(datetime.now(UTC))
        status = node_status(facts, old, now, self._hard_eviction_memory)
        if not status_changed(old, status) and time.monotonic() - self._written_at < self._report_seconds:
            return
        patch = status_patch(old, status)
        await self._client.patch(NODES, "", facts.name, patch, patch_type="strategic", subresource="status")
        self._written_at = time.monotonic()
        self._tell(facts.name, status_events(facts.name, old, status))

    def _tell(self, name: str, events: list[NodeEvent]) -> None:
        for event in events:
            self.event(name, event.type, event.reason, event.text)

    def event(self, node_name: str, type: str, reason: str, message: str = "") -> None:
        """Record an Event about the node; without a message the reference's "Node NAME status is now: REASON"."""
        about: Object = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": node_name, "uid": node_name},
        }
        self._recorder.event(about, type, reason, message or f"Node {node_name} status is now: {reason}")

    async def run_lease(self, node_name: str) -> None:
        """Renew the node's Lease until cancelled: the proof of life that node controllers look at."""
        await self.registered.wait()
        lease: Object | None = None
        while True:
            delay = self._lease_seconds / 4
            try:
                lease = await self._renew(node_name, lease)
            except ApiError as error:
                logger.warning("Failed to update lease", extra={"error": str(error)})
                lease, delay = None, _LEASE_RETRY_SECONDS
            await asyncio.sleep(delay)

    async def _renew(self, node_name: str, lease: Object | None) -> Object:
        now = format_micro_time(datetime.now(UTC))
        if lease is None:
            try:
                lease = await self._client.get(LEASES, _LEASE_NAMESPACE, node_name)
            except NotFound:
                return await self._client.create(LEASES, self._new_lease(node_name, now))
        renewed = {
            **lease,
            "spec": {
                **(lease.get("spec") or {}),
                "holderIdentity": node_name,
                "leaseDurationSeconds": self._lease_seconds,
                "renewTime": now,
            },
        }
        try:
            return await self._client.update(LEASES, renewed)
        except Conflict:
            current = await self._client.get(LEASES, _LEASE_NAMESPACE, node_name)
            return await self._client.update(LEASES, {**current, "spec": renewed["spec"]})

    def _new_lease(self, node_name: str, now: str) -> Object:
        metadata: dict[str, Any] = {"name": node_name, "namespace": _LEASE_NAMESPACE}
        if self.uid:
            owner = {"apiVersion": "v1", "kind": "Node", "name": node_name, "uid": self.uid}
            metadata["ownerReferences"] = [owner]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": node_name,
                "leaseDurationSeconds": self._lease_seconds,
                "renewTime": now,
            },
        }
