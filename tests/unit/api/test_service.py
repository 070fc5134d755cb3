"""Services: defaults, rules, changes of type, table."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from api.core.service.columns import cells
from api.core.service.strategy import SERVICE
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, created, replaced, service

NOW = datetime(2024, 1, 2, tzinfo=UTC)
ALLOCATED = {
    "clusterIP": "10.0.0.1",
    "clusterIPs": ["10.0.0.1"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


def test_defaults() -> None:
    made = created(SERVICE, service())
    assert made["spec"] == {
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        "sessionAffinity": "None",
        "type": "ClusterIP",
        "internalTrafficPolicy": "Cluster",
    }
    assert made["status"] == {"loadBalancer": {}}


def test_affinity_has_a_time_limit() -> None:
    made = created(SERVICE, service(sessionAffinity="ClientIP"))["spec"]
    assert made["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}


def test_one_address_stands_in_both_fields() -> None:
    assert created(SERVICE, service(clusterIP="None"))["spec"]["clusterIPs"] == ["None"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, []),
        ({"ports": []}, ["spec.ports: Required value"]),
        ({"ports": [], "clusterIP": "None"}, []),
        ({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}]}, []),
        ({"type": "LoadBalancer"}, []),
        ({"type": "ExternalName", "externalName": "a.b.", "ports": []}, []),
        ({"type": "ExternalName", "ports": []}, ["spec.externalName: Required value"]),
        (
            {"ports": [{"port": 80, "nodePort": 30001}]},
            ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
        ),
        (
            {"ports": [{"port": 1}, {"port": 2}]},
            ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
        ),
        (
            {"sessionAffinity": "Cookie"},
            ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
        ),
        (
            {"type": "Odd"},
            [
                'spec.type: Unsupported value: "Odd": supported values: '
                '"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'
            ],
        ),
        ({"clusterIP": "10.0.0.300"}, ['spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address']),
        (
            {"type": "NodePort", "clusterIP": "None"},
            ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
        ),
        (
            {"clusterIPs": ["10.0.0.1"]},
            ['spec.clusterIPs: Invalid value: []string{"10.0.0.1"}: must be empty when `clusterIP` is not specified'],
        ),
        (
            {"externalIPs": ["127.0.0.1"]},
            ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range'],
        ),
        (
            {"externalTrafficPolicy": "Local"},
            [
                'spec.externalTrafficPolicy: Invalid value: "Local": '
                "may only be set when `type` is 'NodePort' or 'LoadBalancer'"
            ],
        ),
        (
            {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
            ["spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'"],
        ),
    ],
)
def test_rules(spec: dict[str, Any], expected: list[str]) -> None:
    errors = complaints(SERVICE, service(**spec))
    assert len(errors) == len(expected), errors
    assert all(error.startswith(start) for error, start in zip(errors, expected, strict=True))


def update(new: Object, **old: Any) -> tuple[dict[str, Any], list[str]]:
    made, errors = replaced(SERVICE, new, service(**{**ALLOCATED, **old}))
    return made["spec"], errors


def test_a_replacement_without_addresses_keeps_them() -> None:
    spec, errors = update(service(ports=[{"port": 81}]))
    assert errors == []
    assert {field: spec[field] for field in ALLOCATED} == ALLOCATED


@pytest.mark.parametrize("given", [{"clusterIP": "10.0.0.1"}, {"clusterIP": "", "clusterIPs": ["10.0.0.1"]}, {}])
def test_clients_that_know_one_address_field_keep_the_address(given: dict[str, Any]) -> None:
    spec, errors = update(service(**given))
    assert errors == []
    assert {field: spec[field] for field in ALLOCATED} == ALLOCATED


def test_an_address_does_not_change() -> None:
    _, errors = update(service(**{**ALLOCATED, "clusterIP": "10.0.0.2"}))
    assert errors == ['spec.clusterIPs[0]: Invalid value: []string{"10.0.0.2"}: may not change once set']


def test_an_external_name_needs_no_address() -> None:
    spec, errors = update(service(**{**ALLOCATED, "clusterIP": ""}, type="ExternalName", externalName="a.b"))
    assert errors == []
    assert not {"clusterIP", "clusterIPs", "ipFamilies", "internalTrafficPolicy"} & set(spec)


def test_node_ports_go_with_their_type() -> None:
    ports = [{"port": 80, "nodePort": 30001}]
    spec, errors = update(service(**ALLOCATED, ports=ports, type="ClusterIP"), ports=ports, type="NodePort")
    assert errors == []
    assert "nodePort" not in spec["ports"][0]
    assert "externalTrafficPolicy" not in spec


def test_node_ports_go_though_a_port_goes_with_them() -> None:
    ports = [{"name": "a", "port": 80, "nodePort": 30001}, {"name": "b", "port": 81, "nodePort": 30002}]
    spec, errors = update(service(**ALLOCATED, ports=ports[1:], type="ClusterIP"), ports=ports, type="NodePort")
    assert (errors, "nodePort" in spec["ports"][0]) == ([], False)
    ports[0]["nodePort"] = 30003
    _, errors = update(service(**ALLOCATED, ports=ports[:1], type="ClusterIP"), ports=ports[1:], type="NodePort")
    assert errors == ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]


def test_the_status_of_a_load_balancer_goes_with_the_type() -> None:
    old = created(SERVICE, service(**ALLOCATED, type="LoadBalancer"))
    old["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}, "conditions": [{"type": "x"}]}
    for kind, kept in (("LoadBalancer", old["status"]), ("ClusterIP", {**old["status"], "loadBalancer": {}})):
        new = copy.deepcopy(old)
        new["spec"]["type"] = kind
        SERVICE.prepare_update(new, old)
        assert new["status"] == kept


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (ALLOCATED, ["ClusterIP", "10.0.0.1", "<none>", "80/TCP"]),
        (
            {
                **ALLOCATED,
                "type": "NodePort",
                "ports": [{"port": 80, "nodePort": 30001}, {"port": 53, "protocol": "UDP"}],
            },
            ["NodePort", "10.0.0.1", "<none>", "80:30001/TCP,53/UDP"],
        ),
        ({**ALLOCATED, "type": "LoadBalancer"}, ["LoadBalancer", "10.0.0.1", "<pending>", "80/TCP"]),
        (
            {"type": "ExternalName", "externalName": "a.b", "ports": []},
            ["ExternalName", "<none>", "a.b", "<none>"],
        ),
        ({**ALLOCATED, "externalIPs": ["1.2.3.4"]}, ["ClusterIP", "10.0.0.1", "1.2.3.4", "80/TCP"]),
    ],
)
def test_rows(spec: dict[str, Any], expected: list[str]) -> None:
    assert cells(created(SERVICE, service(**spec)), NOW)[1:5] == expected
