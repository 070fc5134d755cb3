"""The loop: what it loads when, and how it recovers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from component.iptables import IptablesError
from proxy.jumps import jumps
from proxy.rules import names
from tests.unit.proxy.node import REFUSED, Node, to
from tests.unit.proxy.objects import endpoint, endpoint_slice, service

WEB = (service(), endpoint_slice("web", endpoint("10.244.0.5")))


async def test_the_first_sync_loads_all_and_hooks_it_in() -> None:
    node = await Node().with_objects(*WEB)
    for jump in jumps():
        assert jump.rule in node.filter.tables[jump.table][jump.chain]
    assert names.CANARY in node.filter.tables["mangle"]
    assert node.from_pod("10.96.0.10") == to("10.244.0.5:8080")


async def test_later_syncs_load_the_difference_and_none_load_nothing() -> None:
    node = await Node().with_objects(*WEB)
    before = len(node.filter.restored)
    await node.proxier.sync()
    node.slices.put(WEB[1])
    await node.proxier.sync()
    assert len(node.filter.restored) == before
    await node.with_objects(endpoint_slice("web", endpoint("10.244.0.6")))
    assert len(node.filter.restored) == before + 1
    assert node.filter.restored[-1].count("\n:") == 3
    assert node.from_pod("10.96.0.10") == to("10.244.0.6:8080")


async def test_slices_may_come_before_their_service_and_go_after_it() -> None:
    node = await Node().with_objects(WEB[1])
    await node.with_objects(WEB[0])
    assert node.from_pod("10.96.0.10") == to("10.244.0.5:8080")
    node.services.remove(WEB[0])
    await node.proxier.sync()
    assert node.from_pod("10.96.0.10") == to("10.96.0.10:80")
    await node.with_objects(WEB[0])
    node.slices.remove(WEB[1])
    await node.proxier.sync()
    assert node.from_pod("10.96.0.10") == REFUSED


async def test_after_a_failure_everything_is_loaded_anew() -> None:
    node = await Node().with_objects(*WEB)
    node.filter.fail_with = "iptables-restore: executable file not found in $PATH"
    node.slices.put(endpoint_slice("web", endpoint("10.244.0.6")))
    with pytest.raises(IptablesError):
        await node.proxier.sync()
    node.filter.flush()
    node.filter.fail_with = None
    await node.proxier.sync()
    assert node.from_pod("10.96.0.10") == to("10.244.0.6:8080")


async def test_flows_are_cleaned_also_when_the_rules_came_late() -> None:
    node = Node()
    dns = service("dns", "10.96.0.53", ports=[{"port": 53, "protocol": "UDP"}])
    node.filter.fail_with = "no"
    with pytest.raises(IptablesError):
        await node.with_objects(dns)
    assert node.flows.asked == []
    node.filter.fail_with = None
    await node.proxier.sync()
    assert node.flows.asked == [{("10.96.0.53", 53): frozenset()}]


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    task = asyncio.create_task(node.proxier.run())
    try:
        async with asyncio.timeout(5):
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def the_canaries_are_made(node: Node) -> None:
    while f":{names.CANARY} " not in await node.filter.outcomes.get():
        pass


async def test_the_loop_notices_that_its_rules_were_flushed() -> None:
    node = Node(sync_period_seconds=0.01, min_sync_period_seconds=0)
    node.services.put(WEB[0])
    node.slices.put(WEB[1])
    async with running(node):
        await the_canaries_are_made(node)
        node.filter.flush()
        node.slices.put(WEB[1])  # changes are no reason not to look
        await the_canaries_are_made(node)
        assert node.from_pod("10.96.0.10") == to("10.244.0.5:8080")


async def test_health_says_what_iptables_says() -> None:
    node = Node(min_sync_period_seconds=0)
    assert node.proxier.not_healthy() == "rules are not programmed yet"
    node.filter.fail_with = "iptables-restore: no"
    async with running(node):
        assert await node.filter.outcomes.get() == "iptables-restore: no"
        assert node.proxier.not_healthy() == "iptables-restore: no"
        node.filter.fail_with = None
        node.services.put(WEB[0])  # a change is a reason to try again at once
        await the_canaries_are_made(node)
    assert node.proxier.not_healthy() is None


async def test_stale_udp_flows_are_looked_for_when_udp_endpoints_change() -> None:
    ports = [{"port": 53, "protocol": "UDP", "nodePort": 30053}]
    dns = service("dns", "10.96.0.53", ports=ports, type="NodePort")
    node = await Node().with_objects(dns, endpoint_slice("dns", endpoint("10.244.0.5"), port=53, protocol="UDP"))
    targets = frozenset({("10.244.0.5", 53)})
    assert node.flows.asked == [{("10.96.0.53", 53): targets, ("", 30053): targets}]
    await node.with_objects(*WEB)
    assert len(node.flows.asked) == 1, "TCP services are no reason"
    node.services.remove(dns)
    await node.proxier.sync()
    assert node.flows.asked[-1] == {("10.96.0.53", 53): frozenset(), ("", 30053): frozenset()}
