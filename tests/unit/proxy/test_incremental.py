"""Whatever happens in whatever order, loading differences ends where loading everything would."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.rules import names
from tests.unit.proxy.node import Node
from tests.unit.proxy.objects import endpoint, endpoint_slice, service

_NAMES = ("a", "b", "c")
_ADDRESSES = [f"10.244.0.{number}" for number in range(4)]

_services = st.builds(
    lambda name, spec: ("put service", service(name, f"10.96.0.{_NAMES.index(name)}", **spec)),
    st.sampled_from(_NAMES),
    st.fixed_dictionaries(
        {
            "type": st.just("LoadBalancer"),
            "ports": st.sampled_from(
                [
                    [{"port": 80, "protocol": "TCP"}],
                    [{"port": 80, "protocol": "TCP", "nodePort": 30001}],
                    [{"name": "x", "port": 53, "protocol": "UDP"}, {"name": "y", "port": 80, "protocol": "TCP"}],
                ]
            ),
            "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
            "externalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
            "internalTrafficPolicy": st.sampled_from(["Cluster", "Local"]),
            "externalIPs": st.sampled_from([[], ["198.51.100.1"]]),
            "loadBalancerSourceRanges": st.sampled_from([[], ["203.0.113.0/24"]]),
            "status": st.sampled_from([{}, {"loadBalancer": {"ingress": [{"ip": "198.51.100.9"}]}}]),
        }
    ),
)
_endpoints = st.builds(
    endpoint,
    st.sampled_from(_ADDRESSES),
    st.sampled_from(["n1", "n2"]),
    ready=st.booleans(),
    serving=st.booleans(),
    terminating=st.booleans(),
)
_slices = st.builds(
    lambda name, number, port_name, entries: (
        "put slice",
        endpoint_slice(name, *entries, port_name=port_name, name=f"{name}-{number}"),
    ),
    st.sampled_from(_NAMES),
    st.integers(0, 1),
    st.sampled_from(["", "x", "y"]),
    st.lists(_endpoints, max_size=4),
)
_removals = st.builds(
    lambda kind, number: (kind, number), st.sampled_from(["drop service", "drop slice"]), st.integers(0, 9)
)
_steps = st.lists(st.one_of(_services, _slices, _removals, st.just(("sync", None))), max_size=15)


@settings(max_examples=150, deadline=None)
@given(_steps)
def test_differences_lead_where_everything_at_once_does(steps: list[tuple[str, Any]]) -> None:
    asyncio.run(_check(steps))


async def _check(steps: list[tuple[str, Any]]) -> None:
    node = Node()
    for step, value in steps:
        match step:
            case "put service":
                node.services.put(value)
            case "put slice":
                node.slices.put(value)
            case "sync":
                await node.proxier.sync()
            case _:
                source = node.services if step == "drop service" else node.slices
                if found := source.store.list():
                    source.remove(found[value % len(found)])
    await node.proxier.sync()
    fresh = await Node().with_objects(*node.services.store.list(), *node.slices.store.list())
    assert node.filter.tables == fresh.filter.tables
    for chain, rules in node.filter.tables["nat"].items():
        if chain.startswith(names.PREFIXES):
            assert rules, f"{chain} is empty: packets would fall through"
