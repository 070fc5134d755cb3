"""Which Endpoints a Service and its pods make."""

from __future__ import annotations

from controller.endpoints.plan import MAX_ADDRESSES, OVER_CAPACITY, plan_endpoints
from tests.unit.controller.samples import pod, service


def _ips(subset: dict[str, list[dict[str, str]]], field: str) -> list[str]:
    return [address["ip"] for address in subset.get(field, [])]


def test_ready_and_other_pods_are_told_apart_and_terminating_ones_left_out() -> None:
    made = plan_endpoints(service(), [pod(2), pod(1), pod(3, ready=False), pod(4, deleting=True)], None)
    assert made is not None
    (subset,) = made["subsets"]
    assert _ips(subset, "addresses") == ["10.244.0.1", "10.244.0.2"]
    assert _ips(subset, "notReadyAddresses") == ["10.244.0.3"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert subset["addresses"][0]["targetRef"] == {
        "kind": "Pod",
        "namespace": "default",
        "name": "web-1",
        "uid": "u001",
    }
    assert made["metadata"]["labels"] == {"team": "a"}


def test_what_is_right_already_is_not_written_again() -> None:
    made = plan_endpoints(service(), [pod(1)], None)
    assert plan_endpoints(service(), [pod(1)], made) is None
    assert plan_endpoints(service(), [pod(1), pod(2)], made) is not None
    assert (
        plan_endpoints({**service(), "metadata": {**service()["metadata"], "labels": {}}}, [pod(1)], made) is not None
    )


def test_named_ports_that_differ_between_pods_make_separate_subsets() -> None:
    named = service(ports=[{"name": "web", "port": 80, "targetPort": "http"}])
    made = plan_endpoints(named, [pod(1), pod(2, port=9090), pod(3, port_name="other")], None)
    assert made is not None
    assert [(s["ports"][0]["port"], _ips(s, "addresses")) for s in made["subsets"]] == [
        (8080, ["10.244.0.1"]),
        (9090, ["10.244.0.2"]),
    ]


def test_publish_not_ready_addresses_takes_every_pod() -> None:
    made = plan_endpoints(service(publishNotReadyAddresses=True), [pod(1, ready=False), pod(2, deleting=True)], None)
    assert made is not None
    assert _ips(made["subsets"][0], "addresses") == ["10.244.0.1", "10.244.0.2"]


def test_a_thousand_addresses_at_most_with_ready_ones_first() -> None:
    pods = [pod(n, ready=n % 2 == 0) for n in range(MAX_ADDRESSES + 200)]
    made = plan_endpoints(service(), pods, None)
    assert made is not None
    (subset,) = made["subsets"]
    assert (len(subset["addresses"]), len(subset["notReadyAddresses"])) == (600, 400)
    assert made["metadata"]["annotations"][OVER_CAPACITY] == "truncated"
