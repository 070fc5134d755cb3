"""Who is answered."""

from __future__ import annotations

import pytest

from dns.clients import PRIVATE_NETWORKS, ClientFilter


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.244.1.5", True), ("192.168.52.137", True), ("127.0.0.1", True), ("fe80::1%eth0", True), ("fd00::5", True),
        ("172.32.0.1", False), ("203.0.113.9", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_private_networks(address: str, allowed: bool) -> None:
    clients = ClientFilter(PRIVATE_NETWORKS)
    assert [clients.allows(address), clients.allows(address)] == [allowed, allowed]


def test_single_addresses_may_be_named() -> None:
    clients = ClientFilter((*PRIVATE_NETWORKS, "203.0.113.9"))
    assert clients.allows("203.0.113.9")
    assert not clients.allows("203.0.113.8")
