"""What a replica says of itself, and when another is dead."""

from __future__ import annotations

from apimachinery.objects import Object
from dns.registration.plan import (
    LEASE_SECONDS,
    Observations,
    Replica,
    merged,
    replica_names,
    wanted_lease,
    wanted_slice,
)

REPLICA = Replica(address="192.168.1.5", port=10053, node_name="node1")


def lease(name: str, version: str) -> Object:
    return {"metadata": {"name": name, "resourceVersion": version}, "spec": {"leaseDurationSeconds": LEASE_SECONDS}}


def test_the_slice() -> None:
    found = wanted_slice(REPLICA)
    assert found["metadata"]["name"] == "kube-dns-192-168-1-5-10053"
    assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns"
    assert found["endpoints"][0]["addresses"] == ["192.168.1.5"]
    assert [(port["name"], port["protocol"], port["port"]) for port in found["ports"]] == [
        ("dns", "UDP", 10053), ("dns-tcp", "TCP", 10053),
    ]  # fmt: skip
    six = wanted_slice(Replica(address="fd00::5", port=53, metrics_port=9153))
    assert (six["addressType"], six["metadata"]["name"]) == ("IPv6", "kube-dns-fd00--5-53")
    assert six["ports"][-1]["port"] == 9153


def test_only_differences_are_written() -> None:
    wanted = wanted_slice(REPLICA)
    assert merged(None, wanted) == wanted
    metadata = wanted["metadata"] | {"resourceVersion": "9", "labels": wanted["metadata"]["labels"] | {"x": "y"}}
    current = wanted | {"metadata": metadata}
    assert merged(current, wanted) is None
    changed = merged(current | {"endpoints": []}, wanted)
    assert changed == current
    assert merged(lease("a", "1") | {"apiVersion": "x"}, wanted_lease(REPLICA, "now")) is not None


def test_a_silent_replica_is_dead_after_its_leases_length() -> None:
    observed = Observations()
    observed.renewed(0.0)
    assert observed.dead(["a", "b"], {"a": lease("a", "1"), "b": lease("b", "1")}, 0.0) == []
    assert observed.dead(["a", "b"], {"a": lease("a", "1"), "b": lease("b", "2")}, 10.0) == []
    assert observed.dead(["a", "b"], {"a": lease("a", "1"), "b": lease("b", "2")}, 16.0) == ["a"]


def test_a_slice_without_a_lease_is_given_the_same_time() -> None:
    observed = Observations()
    observed.renewed(0.0)
    assert observed.dead(["a"], {}, 1.0) == []
    assert observed.dead(["a"], {}, 15.0) == []
    assert observed.dead(["a"], {}, 17.0) == ["a"]


def test_nobody_is_dead_while_the_api_server_does_not_answer_us() -> None:
    observed = Observations()
    observed.renewed(0.0)
    leases = {"a": lease("a", "1")}
    observed.dead(["a"], leases, 0.0)
    observed.failed()
    assert observed.dead(["a"], leases, 300.0) == []
    observed.renewed(300.0)
    assert observed.dead(["a"], leases, 301.0) == []
    assert observed.dead(["a"], leases, 314.0) == []
    assert observed.dead(["a"], leases, 316.0) == ["a"]


def test_others_are_who_has_a_slice_or_a_lease() -> None:
    slices, leases = [wanted_slice(REPLICA)], [lease("b", "1"), lease("c", "1")]
    assert replica_names(slices, leases, "c") == {"kube-dns-192-168-1-5-10053", "b"}
