"""What --node-ip may be."""

from __future__ import annotations

import pytest

from kubelet.node_address import AddressError, NodeAddress


@pytest.mark.parametrize(
    ("asked", "value"),
    [("192.168.1.7", "192.168.1.7"), ("192.168.1.7,fd00::7", "192.168.1.7"), (" 10.0.0.1 ", "10.0.0.1")],
)
async def test_an_address_that_was_asked_for_stays(asked: str, value: str) -> None:
    address = NodeAddress(asked)
    assert address.value == value
    assert await address.look() is False
    assert address.value == value


@pytest.mark.parametrize("asked", ["", "0.0.0.0", "::"])
def test_the_choice_is_left(asked: str) -> None:
    assert NodeAddress(asked).value == ""


@pytest.mark.parametrize(("asked", "complaint"), [("node1", "no IP address"), ("224.0.0.7", "multicast")])
def test_what_no_machine_has(asked: str, complaint: str) -> None:
    with pytest.raises(AddressError, match=f"bad --node-ip .*{complaint}"):
        NodeAddress(asked)
