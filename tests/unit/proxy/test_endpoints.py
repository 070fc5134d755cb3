"""EndpointSlices of one service become one list per port."""

from __future__ import annotations

from proxy.rules.endpoints import merge_slices, service_of
from proxy.rules.model import Endpoint
from tests.unit.proxy.objects import endpoint, endpoint_slice


def test_slices_of_a_service_are_joined_and_the_readiest_entry_wins() -> None:
    first = endpoint_slice("web", endpoint("10.244.0.5", ready=False), endpoint("10.244.0.6", "n2"))
    second = endpoint_slice("web", endpoint("10.244.0.5"), name="web-2")
    wanted = (Endpoint("10.244.0.5", 8080, local=True), Endpoint("10.244.0.6", 8080))
    assert merge_slices([first, second], "n1") == {("", "tcp"): wanted}
    assert merge_slices([second, first], "n1") == {("", "tcp"): wanted}


def test_an_entry_without_conditions_is_ready() -> None:
    found = endpoint_slice("web", {"addresses": ["10.244.0.5", "10.244.0.99"]})
    assert merge_slices([found], "n1") == {("", "tcp"): (Endpoint("10.244.0.5", 8080),)}


def test_slices_of_another_family_or_without_ports_are_nothing() -> None:
    six = {**endpoint_slice("web", endpoint("fd00::5")), "addressType": "IPv6"}
    assert merge_slices([six, {**endpoint_slice("web", endpoint("10.0.0.1")), "ports": None}], "n1") == {}
    assert service_of({"metadata": {"name": "x", "namespace": "default"}}) == ""
