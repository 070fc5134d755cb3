"""Leases for values that live for a time: one lease serves all that are written within a stretch of seconds.

A lease per value would cost etcd more than the value; so one lives a little longer than asked for and is shared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apiserver.storage.etcd3.metrics import LEASE_OBJECTS

_MAX_STRETCH_SECONDS = 60.0
_MAX_VALUES = 1000  #: etcd deletes all values of a lease in one go


@dataclass(slots=True)
class _Lease:
    id: int
    use_until: float  # on the loop's clock
    values: int


class Leases:
    """`grant` makes a lease of some seconds and gives its id."""

    def __init__(self, grant: Callable[[int], Awaitable[int]]) -> None:
        self._grant = grant
        self._leases: dict[int, _Lease] = {}
        self._lock = asyncio.Lock()

    async def lease(self, ttl_seconds: int) -> int:
        """The id of a lease that ends in `ttl_seconds`, or up to a twentieth (a minute at most) later."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            lease = self._leases.get(ttl_seconds)
            if lease is None or now >= lease.use_until or lease.values >= _MAX_VALUES:
                if lease is not None:
                    LEASE_OBJECTS.observe(lease.values)
                stretch = min(_MAX_STRETCH_SECONDS, max(1.0, ttl_seconds / 20))
                lease = _Lease(await self._grant(ttl_seconds + round(stretch)), now + stretch, 0)
                self._leases[ttl_seconds] = lease
            lease.values += 1
            return lease.id

    def forget(self, lease_id: int) -> None:
        """etcd does not know this lease (any more)."""
        self._leases = {ttl: lease for ttl, lease in self._leases.items() if lease.id != lease_id}
