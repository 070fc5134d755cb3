"""Addresses, names and MACs of the pod network."""

from __future__ import annotations

import pytest

from kubelet.network.plan import host_link_of, ipv4_ranges, mac_of, next_address, node_plan, pod_plan


def test_the_bridge_has_the_first_address() -> None:
    plan = node_plan("10.244.3.0/24", 1450)
    assert (plan.gateway, plan.prefix_length, plan.mtu, plan.mac) == ("10.244.3.1", 24, 1450, "0a:58:0a:f4:03:01")


def test_a_pods_link_follows_from_sandbox_and_address() -> None:
    plan = pod_plan("abc", "10.244.3.9", node_plan("10.244.3.0/24", 1450))
    assert plan.host_link == host_link_of("abc") != host_link_of("abd")
    assert len(plan.host_link) <= 15
    assert (plan.mac, plan.gateway, plan.mtu) == (mac_of("10.244.3.9"), "10.244.3.1", 1450)


@pytest.mark.parametrize(
    ("taken", "last", "wanted"),
    [
        ([], "", "10.0.0.2"),
        (["10.0.0.2"], "", "10.0.0.3"),
        ([], "10.0.0.4", "10.0.0.5"),  # a freed address rests
        (["10.0.0.5", "10.0.0.6"], "10.0.0.4", "10.0.0.2"),  # round
        (["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"], "10.0.0.6", None),
        ([], "10.244.0.9", "10.0.0.2"),  # the last one was of another range
    ],
)
def test_addresses_are_handed_out_in_turn(taken: list[str], last: str, wanted: str | None) -> None:
    assert next_address(node_plan("10.0.0.0/29", 1500), taken, last) == wanted


def test_gateway_and_broadcast_are_never_handed_out() -> None:
    plan, given = node_plan("10.0.0.0/28", 1500), list[str]()
    while (address := next_address(plan, given, given[-1] if given else "")) is not None:
        given.append(address)
    assert len(given) == 13
    assert not {"10.0.0.0", "10.0.0.1", "10.0.0.15"} & set(given)


@pytest.mark.parametrize("cidr", ["10.0.0.0/31", "10.0.0.1/24", "pods", "fd00::/64"])
def test_a_range_that_will_not_do(cidr: str) -> None:
    with pytest.raises(ValueError):
        node_plan(cidr, 1500)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("", []),
        ("10.244.0.0/16", ["10.244.0.0/16"]),
        ("fd00::/48, 10.1.0.0/16,10.2.0.0/16", ["10.1.0.0/16", "10.2.0.0/16"]),
    ],
)
def test_the_clusters_ranges(text: str, ranges: list[str]) -> None:
    assert ipv4_ranges(text) == ranges


@pytest.mark.parametrize("text", ["pods", "10.244.0.1/16", "10.244.0.0/33"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits set"):
        ipv4_ranges(text)
