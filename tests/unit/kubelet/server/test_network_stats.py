"""Counters of links."""

from __future__ import annotations

from kubelet.server.network_stats import network_stats, parse

HEADER = """Inter-|   Receive                              |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
"""
LO = "    lo:    1000 10 0 0 0 0 0 0     1000 10 0 0 0 0 0 0\n"
ETH0 = "  eth0:  123456 100 1 0 0 0 0 0   654321 200 2 0 0 0 0 0\n"
ENS3 = "  ens3:7 1 0 0 0 0 0 0 8 1 0 0 0 0 0 0\n"


def test_the_pods_link_and_all_links() -> None:
    eth0 = {"name": "eth0", "rxBytes": 123456, "rxErrors": 1, "txBytes": 654321, "txErrors": 2}
    assert parse(HEADER + LO + ETH0) == [eth0]
    found = network_stats(HEADER + LO + ETH0 + ENS3, "now")
    assert found is not None
    assert {key: found[key] for key in ("time", *eth0)} == {"time": "now", **eth0}
    assert [link["name"] for link in found["interfaces"]] == ["ens3", "eth0"]


def test_a_node_whose_link_has_another_name() -> None:
    found = network_stats(HEADER + LO + ENS3, "now")
    assert found is not None
    assert (found["name"], found["rxBytes"], found["txBytes"]) == ("ens3", 7, 8)


def test_a_namespace_without_links() -> None:
    assert network_stats(HEADER + LO, "now") is None
    assert network_stats("", "now") is None
