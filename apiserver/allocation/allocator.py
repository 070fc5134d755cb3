"""Keeps the cluster IPs and node ports of Services: each value given out is a key below /registry/allocations.

The key is written in the same commit as the Service and only where it does not exist yet, so that nothing is given out
twice or lost, however many API servers there are and whenever they die. `service.py` and `plan.py` decide."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable, Sequence
from random import Random, SystemRandom

import orjson

from apimachinery.meta import Resource
from apimachinery.objects import Object, deep_copy, key_of
from apiserver.allocation import metrics
from apiserver.allocation.plan import AddressRange, PortRange
from apiserver.allocation.service import Held, Supply, carry_over, fill_in, held_by
from apiserver.storage.interface import Delete, Mismatch, Put, Revision
from apiserver.watchcache.cache import WatchCache
from apiserver.watchcache.feed import Feed

logger = logging.getLogger(__name__)

_GROUP = "allocation.internal"  # not served
_ADDRESSES = Resource(_GROUP, "v1", "clusterips", "ClusterIP", namespaced=False)
_PORTS = Resource(_GROUP, "v1", "nodeports", "NodePort", namespaced=False)


class ServiceAllocator:
    """Plans what a write of a Service takes and gives back (a `CommitHook` of the registry)."""

    def __init__(
        self,
        feed: Feed,
        cluster_ip_ranges: Sequence[str],
        node_ports: tuple[int, int],
        *,
        prefix: str = "/registry",
        rng: Random | None = None,
    ) -> None:
        """`cluster_ip_ranges`: one CIDR, or one of each family, the primary first. Raises ValueError for bad CIDRs."""
        self._ranges = [AddressRange(ipaddress.ip_network(cidr.strip(), strict=False)) for cidr in cluster_ip_ranges]
        self._port_range = PortRange(*node_ports)
        self._feed = feed
        self._addresses = feed.add(_ADDRESSES, f"{prefix}/allocations/clusterips/")
        self._ports = feed.add(_PORTS, f"{prefix}/allocations/nodeports/")
        self._rng = rng or SystemRandom()

    @property
    def addresses(self) -> list[tuple[str, int, int]]:
        """Each range of cluster IPs, how many of its addresses are taken, and how many are free."""
        taken = [ipaddress.ip_address(item.name) for item in self._addresses.list()]
        found = []
        for each in self._ranges:
            used = sum(1 for address in taken if address in each.network)
            found.append((str(each.network), used, each.size - used))
        return found

    @property
    def ports(self) -> tuple[int, int]:
        """How many node ports are taken, and how many are free."""
        used = len(self._ports)
        return used, self._port_range.size - used

    async def plan(self, new: Object | None, old: Object | None) -> tuple[Object | None, Sequence[Put | Delete]]:
        """The Service (a copy of `new`, None on delete) with all it needs, and the writes to commit beside it.

        Raises ApiError where a value cannot be had. Where the commit then fails with a `Mismatch` on a key below
        /registry/allocations, somebody else was faster: plan again."""
        before = asked = held_by(old)
        if new is not None:
            new, asked = self._filled(new, old, dry_run=False)
        now = held_by(new)
        self._count(now, before, asked)
        owner = key_of(new or old or {})
        writes: list[Put | Delete] = []
        writes += self._take(self._addresses, sorted(now.addresses - before.addresses), owner)
        writes += self._take(self._ports, sorted(now.ports - before.ports), owner)
        writes += self._give_back(self._addresses, sorted(before.addresses - now.addresses), owner)
        writes += self._give_back(self._ports, sorted(before.ports - now.ports), owner)
        return new, writes

    def rehearse(self, new: Object, old: Object | None) -> Object:
        """The Service (a copy of `new`) with placeholders for what it lacks; raises ApiError as `plan` does."""
        return self._filled(new, old, dry_run=True)[0]

    def _filled(self, new: Object, old: Object | None, *, dry_run: bool) -> tuple[Object, Held]:
        """A copy of the Service with all it needs, and what it asked for by name."""
        new = deep_copy(new)
        if old is not None:
            carry_over(new, old)
        asked = held_by(new)
        used = _Used(self._addresses), _Used(self._ports)
        fill_in(new, held_by(old), Supply(self._ranges, self._port_range, *used, dry_run=dry_run), self._rng)
        return new, asked

    def _count(self, now: Held, before: Held, asked: Held) -> None:
        for address in now.addresses - before.addresses:
            parsed = ipaddress.ip_address(address)
            for each in self._ranges:
                if parsed in each.network:
                    metrics.ADDRESSES.labels(str(each.network), metrics.scope(address, asked.addresses)).inc()
        for port in now.ports - before.ports:
            metrics.PORTS[metrics.scope(port, asked.ports)].inc()

    async def repair(self, services: WatchCache) -> None:
        """Free values that no Service holds, and take those that Services hold without a key; after `wait_ready`.

        Everything is read at one revision and written on the condition that it still is so; safe at any time."""
        await self._feed.fresh()
        wanted: dict[tuple[str, str], str] = {}
        for item in services.list():
            held = held_by(item.obj)
            wanted.update({(self._addresses.prefix, value): item.key for value in held.addresses})
            wanted.update({(self._ports.prefix, value): item.key for value in held.ports})
        writes: list[Put | Delete] = []
        for cache in (self._addresses, self._ports):
            for item in cache.list():
                owner = wanted.pop((cache.prefix, item.name), None)
                if owner is None:
                    writes.append(Delete(cache.prefix + item.name, item.revision))
                elif owner != item.obj.get("service"):
                    writes.append(self._record(cache, item.name, owner, item.revision))
            missing = [(name, owner) for (prefix, name), owner in wanted.items() if prefix == cache.prefix]
            writes += [self._record(cache, name, owner, 0) for name, owner in missing]
        for write in writes:
            try:
                await self._feed.commit([write])
            except Mismatch:
                continue  # it has changed since: then it is somebody's business again
            kind = "freed" if isinstance(write, Delete) else "taken"
            logger.info("Repaired an allocation", extra={"key": write.key, "it_is_now": kind})

    def _take(self, cache: WatchCache, values: Iterable[str], owner: str) -> list[Put | Delete]:
        return [self._record(cache, value, owner, 0) for value in values]

    def _record(self, cache: WatchCache, value: str, owner: str, expected: Revision) -> Put:
        resource = cache.resource
        record = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": value},
            "service": owner,
        }
        return Put(cache.key("", value), orjson.dumps(record), expected)

    def _give_back(self, cache: WatchCache, values: Iterable[str], owner: str) -> list[Put | Delete]:
        writes: list[Put | Delete] = []
        for value in values:
            found = cache.get("", value)
            if found is not None and found.obj.get("service") == owner:
                writes.append(Delete(cache.key("", value), found.revision))
        return writes


class _Used:
    """The values that have a key, as a container."""

    def __init__(self, cache: WatchCache) -> None:
        self._cache = cache

    def __contains__(self, value: object) -> bool:
        return self._cache.get("", str(value)) is not None
