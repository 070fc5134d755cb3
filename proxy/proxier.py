"""Keep the kernel's rules in step with Services and EndpointSlices: the shell around `proxy.rules`.

Event handlers only note which service changed. One loop takes the notes, at most so often, and loads the difference
in one iptables-restore. After a start, a failure, or when someone flushed our chains, everything is loaded anew."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from apimachinery.objects import Object, key_of
from component.iptables import IptablesError, PacketFilter
from proxy import metrics
from proxy.conntrack import FlowCleaner
from proxy.healthcheck import FailureHandler, HealthCheckPorts
from proxy.iptables.parser import parse_table
from proxy.jumps import CANARY_TABLES, jumps, missing_targets
from proxy.pacing import Pacer
from proxy.programming import PendingChanges
from proxy.rules import names
from proxy.rules.endpoints import is_of_family, merge_slices, service_of
from proxy.rules.model import NodeSettings
from proxy.rules.rule_cache import RuleCache
from proxy.rules.services import service_ports
from proxy.rules.stale_flows import FlowTargets
from proxy.rules.tables import Tables, full_text, incremental_text
from proxy.sources import ObjectSource

logger = logging.getLogger(__name__)

SERVICE_INDEX = "service"
_RETRY_SECONDS = (1.0, 30.0)
#: So often everything is loaded anew though nothing seems amiss.
_FULL_SYNC_SECONDS = 3600.0


class Proxier:
    """One address family's rules on one node. `health_check_failed` is told of a health check node port that cannot be
    served: the service's key, the port, and why."""

    def __init__(
        self,
        *,
        services: ObjectSource,
        endpoint_slices: ObjectSource,
        packet_filter: PacketFilter,
        flows: FlowCleaner,
        node: NodeSettings,
        node_name: str,
        sync_period_seconds: float = 30.0,
        min_sync_period_seconds: float = 1.0,
        health_check_failed: FailureHandler = lambda key, port, error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services, self._slices = services, endpoint_slices
        self._packet_filter, self._flows = packet_filter, flows
        self.ipv6, self._node_name = node.ipv6, node_name
        self._sync_period_seconds = sync_period_seconds
        self._clock = clock
        self._pacer = Pacer(min_sync_period_seconds, burst=2, clock=clock)
        self._cache = RuleCache(node)
        self._health_ports = HealthCheckPorts(
            ipv6=node.ipv6, rules_current=lambda: self.not_healthy() is None, failed=health_check_failed
        )
        self._dirty: set[str] = set()
        self._pending = PendingChanges(clock=time.time)
        self._node_changed = False
        self._wake = asyncio.Event()
        self._loaded: Tables | None = None  #: what the kernel has; None: not known
        self._loaded_at = self._looked_at = 0.0
        self._udp: FlowTargets = {}
        self._failures = 0
        self._queued_at: float | None = None
        self._rules = {"nat": 0, "filter": 0}
        self.last_updated = 0.0  #: Unix seconds of the last sync that went well; 0: none did
        self.trouble: str | None = "rules are not programmed yet"
        endpoint_slices.add_index(SERVICE_INDEX, lambda found: [service_of(found)])  # once more does no harm
        services.on_change(self._service_changed)
        endpoint_slices.on_change(self._slice_changed)

    async def run(self) -> None:
        """Sync until cancelled. What cannot be loaded is tried again, and shows in `not_healthy`."""
        await self._services.wait_synced()
        await self._slices.wait_synced()
        try:
            while True:
                await self._pacer.wait()
                self._wake.clear()
                delay = await self._attempt()
                if not self._failures and self._clock() - self._looked_at >= self._sync_period_seconds:
                    await self._look_after()
                    if self._loaded is None:
                        continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._wake.wait()
        finally:
            await self._health_ports.close()

    def not_healthy(self) -> str | None:
        """Why rules are not current, for /healthz; a change may wait twice the sync period."""
        if self.trouble is not None:
            return self.trouble
        if self._queued_at is not None and self._clock() - self._queued_at > 2 * self._sync_period_seconds:
            return "a change waits to be programmed for too long"
        return None

    def use_node(self, node: NodeSettings) -> None:
        """The node, or what is known of it, has changed: its rules follow with the next sync."""
        if self._cache.use_node(node):
            self._node_changed = True
            self._wake_up()

    async def sync(self) -> None:
        """Load what changed since the last time; raises IptablesError, and then knows to load everything next time."""
        started = self._clock()
        full = self._loaded is None
        changed, self._node_changed = self._take_changes() or self._node_changed, False
        triggers = self._pending.take()
        if not changed and not full:
            return
        wanted = self._cache.tables()
        try:
            if self._loaded is None:
                await self._load_all(wanted)
            elif text := incremental_text(wanted, self._loaded):
                await self._packet_filter.restore(text)
        except IptablesError:
            self._loaded = None
            (metrics.RESTORE_FAILURES if full else metrics.PARTIAL_RESTORE_FAILURES).inc()
            self._pending.put_back(triggers)
            raise
        self._loaded = wanted
        if full:
            self._loaded_at = self._looked_at = self._clock()
        self._record(wanted, self._clock() - started, full=full)
        for trigger in triggers:
            metrics.PROGRAMMING_SECONDS.observe(max(0.0, self.last_updated - trigger))
        await self._after()

    def _record(self, wanted: Tables, seconds: float, *, full: bool) -> None:
        self.last_updated = time.time()
        metrics.SYNC_SECONDS.observe(seconds)
        (metrics.FULL_SYNC_SECONDS if full else metrics.PARTIAL_SYNC_SECONDS).observe(seconds)
        metrics.LAST_SYNC.set(self.last_updated)
        if full:
            for table, chains in (("nat", wanted.nat), ("filter", wanted.filter)):
                rules = sum(text.count("\n") for text in chains.values())
                metrics.RULES.labels(table).inc(rules - self._rules[table])  # the other family's count too
                self._rules[table] = rules
        if not self.ipv6:
            for policy in ("internal", "external"):
                metrics.NO_LOCAL_ENDPOINTS.labels(policy).set(self._cache.without_local_endpoints(policy))
        details: dict[str, Any] = {"full": full, "services": len(self._cache), "seconds": round(seconds, 4)}
        (logger.info if full else logger.debug)("Programmed the rules", extra=details)

    async def _attempt(self) -> float:
        """One sync; returns after how many seconds to come back at the latest."""
        try:
            await self.sync()
        except IptablesError as error:
            self._failures += 1
            self.trouble = str(error)
            delay: float = min(_RETRY_SECONDS[1], _RETRY_SECONDS[0] * 2.0 ** (self._failures - 1))
            logger.error("Failed to program the rules", extra={"error": str(error), "retry_seconds": delay})
            return delay
        self._failures = 0
        self.trouble = None
        return self._sync_period_seconds

    def _take_changes(self) -> bool:
        dirty, self._dirty, self._queued_at = self._dirty, set(), None
        metrics.SERVICE_CHANGES_PENDING.set(0)
        metrics.ENDPOINT_CHANGES_PENDING.set(0)
        changed = False
        for key in dirty:
            service = self._services.store.get(key)
            ports = service_ports(service, ipv6=self.ipv6) if service is not None else []
            slices = self._slices.store.by_index(SERVICE_INDEX, key) if ports else ()
            endpoints = merge_slices(slices, self._node_name, ipv6=self.ipv6)
            changed |= self._cache.update(key, ports, endpoints)
        return changed

    async def _load_all(self, wanted: Tables) -> None:
        save = self._packet_filter.save
        present = Tables(parse_table(await save("nat")), parse_table(await save("filter")))
        # Jumps first, into chains that are still empty: each costs a walk through all that can be reached.
        if text := missing_targets(present):
            await self._packet_filter.restore(text)
        for jump in jumps():
            await self._packet_filter.ensure_jump(jump)
        await self._packet_filter.restore(full_text(wanted, present))
        # The canary is made last: where it is, all the rest was there.
        canaries = "".join(f"*{table}\n:{names.CANARY} - [0:0]\nCOMMIT\n" for table in CANARY_TABLES)
        await self._packet_filter.restore(canaries)

    async def _look_after(self) -> None:
        """Notice that a firewall's restart took our chains or jumps away."""
        self._looked_at = self._clock()
        try:
            for table in CANARY_TABLES:
                if not await self._packet_filter.chain_exists(table, names.CANARY):
                    logger.warning("Rules were flushed by someone: loading all anew", extra={"table": table})
                    self._loaded = None
                    return
            for jump in jumps():
                await self._packet_filter.ensure_jump(jump)
        except IptablesError as error:
            logger.error("Failed to look after the rules", extra={"error": str(error)})
            self._loaded = None
        if self._clock() - self._loaded_at > _FULL_SYNC_SECONDS:
            self._loaded = None
        await self._after()

    async def _after(self) -> None:
        """What follows from the services besides rules; what fails here is tried again with the next look."""
        await self._health_ports.update(self._cache.health_check_ports(), self._cache.node.node_port_addresses)
        targets = self._cache.udp_targets()
        if targets == self._udp:
            return
        gone: FlowTargets = {key: frozenset() for key in self._udp if key not in targets}
        try:
            deleted = await self._flows.clean({**targets, **gone})
        except (OSError, TimeoutError) as error:
            logger.error("Failed to delete stale UDP flows", extra={"error": str(error)})
            return
        self._udp = targets
        if deleted:
            logger.info("Deleted stale UDP flows", extra={"flows": deleted})

    def _service_changed(self, old: Object | None, new: Object | None) -> None:
        metrics.SERVICE_CHANGES.inc()
        metrics.SERVICE_CHANGES_PENDING.inc()
        found = new or old
        if found is not None:
            self._mark(key_of(found))

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        metrics.ENDPOINT_CHANGES.inc()
        metrics.ENDPOINT_CHANGES_PENDING.inc()
        if new is not None and is_of_family(new, ipv6=self.ipv6):
            self._pending.note(old, new)
        for found in (old, new):
            if found is not None and (key := service_of(found)):
                self._mark(key)

    def _mark(self, key: str) -> None:
        self._dirty.add(key)
        self._wake_up()

    def _wake_up(self) -> None:
        if self._queued_at is None:
            self._queued_at = self._clock()
            metrics.LAST_QUEUED.set(time.time())
        self._wake.set()
