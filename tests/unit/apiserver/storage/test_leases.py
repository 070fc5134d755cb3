from __future__ import annotations

import asyncio

import pytest

from apiserver.storage.etcd3.leases import Leases
from apiserver.storage.etcd3.metrics import LEASE_OBJECTS


class Grants:
    """Counts the leases made, and keeps how long each was to live."""

    def __init__(self) -> None:
        self.seconds: list[int] = []

    async def grant(self, seconds: int) -> int:
        await asyncio.sleep(0)
        self.seconds.append(seconds)
        return len(self.seconds)


@pytest.fixture
def grants() -> Grants:
    return Grants()


async def test_values_written_about_the_same_time_share_a_lease_that_outlives_them_a_little(grants: Grants) -> None:
    leases = Leases(grants.grant)
    assert set(await asyncio.gather(*[leases.lease(3600) for _ in range(100)])) == {1}
    assert await leases.lease(10) == 2
    assert grants.seconds == [3660, 11]


async def test_a_lease_serves_only_so_many_values(grants: Grants) -> None:
    leases = Leases(grants.grant)
    before = LEASE_OBJECTS.count, LEASE_OBJECTS.total
    assert [await leases.lease(3600) for _ in range(1001)][-2:] == [1, 2]
    assert (LEASE_OBJECTS.count, LEASE_OBJECTS.total) == (before[0] + 1, before[1] + 1000)


async def test_a_lease_that_is_gone_is_made_anew(grants: Grants) -> None:
    leases = Leases(grants.grant)
    leases.forget(await leases.lease(3600))
    assert await leases.lease(3600) == 2
