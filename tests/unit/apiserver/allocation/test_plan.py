from __future__ import annotations

from ipaddress import ip_network
from random import Random

import pytest

from apiserver.allocation.plan import AddressRange, Full, PortRange, Refused, band_offset

V4 = AddressRange(ip_network("10.96.0.0/24"))
V6 = AddressRange(ip_network("fd00::/112"))


@pytest.mark.parametrize(
    ("size", "step", "largest", "offset"),
    [(14, 16, 256, 0), (254, 16, 256, 16), (1022, 16, 256, 63), (1 << 20, 16, 256, 256), (2768, 32, 128, 86)],
)
def test_the_static_band(size: int, step: int, largest: int, offset: int) -> None:
    assert band_offset(size, step=step, largest=largest) == offset


def test_the_dynamic_choice_takes_the_upper_band_first_and_everything_in_the_end() -> None:
    used: set[str] = set()
    order = []
    for _ in range(254):
        order.append(V4.choose(used, Random(1)))
        used.add(order[-1])
    assert len(used) == 254
    assert {int(address.rpartition(".")[2]) for address in order[:238]} == set(range(17, 255))
    assert "10.96.0.0" not in used
    assert "10.96.0.255" not in used
    with pytest.raises(Full, match="range is full"):
        V4.choose(used, Random(1))


def test_ipv6_addresses() -> None:
    assert V6.choose(set(), Random(1)).startswith("fd00::")
    assert V6.check("fd00:0::0a", set()) == "fd00::a"


@pytest.mark.parametrize("address", ["10.96.0.0", "10.96.0.255", "10.97.0.1", "fd00::1"])
def test_addresses_outside_the_range(address: str) -> None:
    with pytest.raises(Refused) as caught:
        V4.check(address, set())
    text = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is 10.96.0.0/24"
    assert str(caught.value) == text


def test_a_taken_address() -> None:
    with pytest.raises(Refused, match=r"^provided IP is already allocated$"):
        V4.check("10.96.0.9", {"10.96.0.9"})


def test_ports() -> None:
    ports = PortRange(30000, 30099)
    used: set[str] = set()
    order = []
    for _ in range(100):
        order.append(ports.choose(used, Random(2)))
        used.add(str(order[-1]))
    assert set(order[:84]) == set(range(30016, 30100))
    assert set(order) == set(range(30000, 30100))
    with pytest.raises(Full):
        ports.choose(used, Random(2))
    with pytest.raises(Refused, match=r"^provided port is already allocated$"):
        ports.check(30000, used)
    text = "^provided port is not in the valid range. The range of valid ports is 30000-30099$"
    with pytest.raises(Refused, match=text):
        ports.check(80, used)


def test_a_range_of_one() -> None:
    assert PortRange(30000, 30000).choose(set(), Random(1)) == 30000
