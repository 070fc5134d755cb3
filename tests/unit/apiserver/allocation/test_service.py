from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from ipaddress import ip_network
from random import Random
from typing import Any

import pytest

from apimachinery.errors import ApiError, InternalError, Invalid
from apimachinery.objects import Object
from apiserver.allocation.plan import AddressRange, PortRange
from apiserver.allocation.service import Held, Supply, carry_over, fill_in, held_by

REQUIRE = "RequireDualStack"
V4 = AddressRange(ip_network("10.96.0.0/16"))
V6 = AddressRange(ip_network("fd00::/112"))
NOTHING = Held(frozenset(), frozenset())


def supply(*ranges: AddressRange, used: Iterable[str] = (), ports: Iterable[str] = ()) -> Supply:
    return Supply(ranges or (V4,), PortRange(30000, 32767), set(used), set(ports))


def service(**spec: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "n"}, "spec": {"type": "ClusterIP", "selector": {"a": "b"}, **spec}}


def port(number: int = 80, protocol: str = "TCP", **more: Any) -> dict[str, Any]:
    return {"port": number, "protocol": protocol, **more}


def filled(given: Object, have: Supply | None = None, old: Held = NOTHING) -> dict[str, Any]:
    made = deepcopy(given)
    fill_in(made, old, have or supply(), Random(1))
    spec: dict[str, Any] = made["spec"]
    return spec


def refusal(given: Object, have: Supply | None = None, old: Held = NOTHING) -> ApiError:
    with pytest.raises(ApiError) as caught:
        filled(given, have, old)
    return caught.value


def test_a_cluster_ip_service_gets_one_address_of_the_primary_family() -> None:
    spec = filled(service(ports=[port()]))
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["clusterIP"].startswith("10.96.")
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    assert "nodePort" not in spec["ports"][0]


def test_an_external_name_gets_nothing() -> None:
    spec = filled(service(type="ExternalName", externalName="a.b", ports=[port()]))
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"} & spec.keys()


@pytest.mark.parametrize(
    ("asked", "ranges", "families", "policy"),
    [
        ({}, (V4, V6), ["IPv4"], "SingleStack"),
        ({"ipFamilyPolicy": "PreferDualStack"}, (V4,), ["IPv4"], "PreferDualStack"),
        ({"ipFamilyPolicy": "PreferDualStack"}, (V6, V4), ["IPv6", "IPv4"], "PreferDualStack"),
        (
            {"ipFamilyPolicy": REQUIRE, "ipFamilies": ["IPv6"]},
            (V4, V6),
            ["IPv6", "IPv4"],
            REQUIRE,
        ),
        ({"ipFamilies": ["IPv6", "IPv4"]}, (V4, V6), ["IPv6", "IPv4"], REQUIRE),
        ({"clusterIP": "fd00::9"}, (V4, V6), ["IPv6"], "SingleStack"),
        ({"clusterIP": "None"}, (V4,), ["IPv4"], "SingleStack"),
        ({"clusterIP": "None", "selector": {}}, (V4,), ["IPv4", "IPv6"], REQUIRE),
    ],
)
def test_families(asked: Object, ranges: tuple[AddressRange, ...], families: list[str], policy: str) -> None:
    spec = filled(service(**asked), supply(*ranges))
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (families, policy)
    if spec["clusterIP"] == "None":
        assert spec["clusterIPs"] == ["None"]
    else:
        assert ["IPv6" if ":" in address else "IPv4" for address in spec["clusterIPs"]] == families


@pytest.mark.parametrize(
    ("asked", "field", "text"),
    [
        (
            {"ipFamilyPolicy": REQUIRE},
            "spec.ipFamilyPolicy",
            'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
        ),
        ({"ipFamilies": ["IPv6"]}, "spec.ipFamilies[0]", 'Invalid value: "IPv6": not configured on this cluster'),
        (
            {"clusterIP": "9.9.9.9"},
            "spec.clusterIPs",
            'Invalid value: []string{"9.9.9.9"}: failed to allocate IP 9.9.9.9: the provided IP (9.9.9.9) is not in '
            "the valid range. The range of valid IPs is 10.96.0.0/16",
        ),
        (
            {"clusterIP": "10.96.0.7"},
            "spec.clusterIPs",
            'Invalid value: []string{"10.96.0.7"}: failed to allocate IP 10.96.0.7: provided IP is already allocated',
        ),
        (
            {"type": "NodePort", "ports": [port(), port(81, nodePort=31000)]},
            "spec.ports[1].nodePort",
            "Invalid value: 31000: provided port is already allocated",
        ),
        (
            {"type": "NodePort", "ports": [port(nodePort=80)]},
            "spec.ports[0].nodePort",
            "Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
        ),
    ],
)
def test_refusals(asked: Object, field: str, text: str) -> None:
    error = refusal(service(**asked), supply(used=["10.96.0.7"], ports=["31000"]))
    assert isinstance(error, Invalid)
    assert [(cause["field"], cause["message"]) for cause in (error.details or {})["causes"]] == [(field, text)]


def test_what_the_service_has_it_keeps_though_it_is_taken() -> None:
    old = Held(frozenset(["10.96.0.7"]), frozenset(["31000"]))
    given = service(type="NodePort", clusterIP="10.96.0.7", ports=[port(nodePort=31000)])
    spec = filled(given, supply(used=["10.96.0.7"], ports=["31000"]), old)
    assert (spec["clusterIP"], spec["ports"][0]["nodePort"]) == ("10.96.0.7", 31000)


def test_node_ports_are_distinct_but_shared_by_the_protocols_of_a_port() -> None:
    spec = filled(service(type="NodePort", ports=[port(53), port(53, "UDP"), port(80)]))
    first, second, third = [entry["nodePort"] for entry in spec["ports"]]
    assert first == second != third
    assert all(30000 <= number <= 32767 for number in (first, third))


def test_a_load_balancer_may_do_without_node_ports() -> None:
    spec = filled(
        service(type="LoadBalancer", allocateLoadBalancerNodePorts=False, ports=[port(), port(81, nodePort=30001)])
    )
    assert ["nodePort" in entry for entry in spec["ports"]] == [False, True]


def test_local_load_balancers_get_a_health_check_port() -> None:
    balancer = service(type="LoadBalancer", externalTrafficPolicy="Local", ports=[port()])
    spec = filled(balancer)
    assert spec["healthCheckNodePort"] not in (0, spec["ports"][0]["nodePort"])
    error = refusal(service(**{**balancer["spec"], "healthCheckNodePort": 31000}), supply(ports=["31000"]))
    assert isinstance(error, InternalError)
    assert "failed to allocate requested HealthCheck NodePort 31000: provided port is already allocated" in str(error)


def test_updates_carry_over_what_is_left_out() -> None:
    old = service(
        type="NodePort", clusterIP="10.96.0.7", clusterIPs=["10.96.0.7"],
        ports=[port(80, nodePort=31000, name="a"), port(81, nodePort=31001, name="b")],
    )  # fmt: skip
    ports = [port(8081, name="b"), port(80, name="a"), port(81, name="c"), port(82, nodePort=31000, name="d")]
    new = service(type="NodePort", ports=ports)
    carry_over(new, old)
    assert new["spec"]["clusterIPs"] == ["10.96.0.7"]
    assert [entry.get("nodePort") for entry in new["spec"]["ports"]] == [31001, None, None, 31000]
    external = service(type="ExternalName")
    carry_over(external, old)
    assert "clusterIP" not in external["spec"]


def test_the_only_port_keeps_its_node_port_whatever_its_number() -> None:
    old = service(type="NodePort", ports=[port(80, nodePort=31000)])
    new = service(type="NodePort", ports=[port(8080, "UDP")])
    carry_over(new, old)
    assert new["spec"]["ports"][0]["nodePort"] == 31000


def test_what_a_service_holds() -> None:
    spec = service(
        type="LoadBalancer", clusterIPs=["10.96.0.7", "fd00:0::1"], healthCheckNodePort=30009,
        ports=[port(nodePort=31000), port(81), port(53, "UDP", nodePort=31000)],
    )  # fmt: skip
    assert held_by(spec) == Held(frozenset(["10.96.0.7", "fd00::1"]), frozenset(["31000", "30009"]))
    assert held_by(service(clusterIP="None")) == NOTHING
    assert held_by(None) == NOTHING
