"""Which Services are ours, and what of them is read."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.rules.services import of_family, service_ports
from tests.unit.proxy.objects import service


@pytest.mark.parametrize(
    "found",
    [
        service(cluster_ip="None"),
        service(cluster_ip=""),
        service(type="ExternalName", externalName="example.org"),
        {**service(), "metadata": {"name": "a", "labels": {"service.kubernetes.io/service-proxy-name": "other"}}},
        service(cluster_ip="fd00::10"),
    ],
)
def test_services_that_are_not_ours(found: dict[str, Any]) -> None:
    assert service_ports(found) == []


def test_each_family_sees_its_own_addresses() -> None:
    found = service(externalIPs=["198.51.100.5", "2001:db8::5"])
    found["spec"]["clusterIPs"] = ["10.96.0.10", "fd00::10"]
    (four,), (six,) = service_ports(found), service_ports(found, ipv6=True)
    assert (four.cluster_ip, four.external_ips) == ("10.96.0.10", ("198.51.100.5",))
    assert (six.cluster_ip, six.external_ips) == ("fd00::10", ("2001:db8::5",))


def test_the_affinity_timeout_has_a_default() -> None:
    assert service_ports(service(sessionAffinity="ClientIP"))[0].affinity_seconds == 10800
    assert service_ports(service())[0].affinity_seconds == 0


def test_addresses_that_are_none_are_left_out() -> None:
    assert of_family(["10.0.0.1", "nonsense", None, "10.0.0.1", " 10.1.2.3/8 "], ipv6=False) == (
        "10.0.0.1",
        "10.0.0.0/8",
    )
