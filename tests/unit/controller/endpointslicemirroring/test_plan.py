"""Endpoints as slices."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from controller.endpointslicemirroring.plan import MANAGER, is_mirrored, plan_mirror

HTTP = {"name": "http", "port": 80, "protocol": "TCP"}


def endpoints(*subsets: Object, **metadata: Any) -> Object:
    """Those of the Service db."""
    return {"metadata": {"name": "db", "namespace": "ns", "uid": "u1", **metadata}, "subsets": list(subsets)}


def subset(*ips: str, down: tuple[str, ...] = (), **port: Any) -> Object:
    """Addresses behind one port."""
    made: Object = {"addresses": [{"ip": ip} for ip in ips], "ports": [{**HTTP, **port}]}
    if down:
        made["notReadyAddresses"] = [{"ip": ip} for ip in down]
    return made


def slices_of(found: Object, *existing: Object) -> list[Object]:
    """The slices that are made of nothing, with names."""
    plan = plan_mirror(found, existing, max_per_subset=1000)
    assert not (plan.update or plan.delete)
    return [
        {**item, "metadata": {**item["metadata"], "name": f"db-{number}"}} for number, item in enumerate(plan.create)
    ]


def test_a_slice_for_each_family_and_set_of_ports() -> None:
    made = slices_of(endpoints(subset("10.0.0.1", "fd00::1", down=("10.0.0.2",)), subset("10.0.0.1", port=81)))
    shapes = [(item["addressType"], item["ports"][0]["port"], len(item["endpoints"])) for item in made]
    assert shapes == [("IPv4", 80, 2), ("IPv4", 81, 1), ("IPv6", 80, 1)]
    ready = [(one["addresses"], one["conditions"]["ready"]) for one in made[0]["endpoints"]]
    assert ready == [(["10.0.0.1"], True), (["10.0.0.2"], False)]
    assert made[0]["metadata"]["labels"] == {
        "kubernetes.io/service-name": "db", "endpointslice.kubernetes.io/managed-by": MANAGER,
    }  # fmt: skip
    assert made[0]["metadata"]["ownerReferences"][0]["kind"] == "Endpoints"


def test_nothing_is_written_twice() -> None:
    found = endpoints(
        subset("10.0.0.1"), annotations={"a": "b", "kubectl.kubernetes.io/last-applied-configuration": "x"}
    )
    made = slices_of(found)
    assert made[0]["metadata"]["annotations"] == {"a": "b"}
    again = plan_mirror(found, made, max_per_subset=1000)
    assert (again.create, again.update, again.delete) == ([], [], [])


def test_changes_and_ends() -> None:
    made = slices_of(endpoints(subset("10.0.0.1"), subset("10.0.0.9", port=81)))
    plan = plan_mirror(endpoints(subset("10.0.0.2")), made, max_per_subset=1000)
    assert [item["endpoints"][0]["addresses"] for item in plan.update] == [["10.0.0.2"]]
    assert [item["metadata"]["name"] for item in plan.delete] == ["db-1"]
    assert plan.create == []


def test_a_subset_has_a_limit() -> None:
    plan = plan_mirror(endpoints(subset("10.0.0.1", "10.0.0.2", "10.0.0.3")), (), max_per_subset=2)
    assert len(plan.create[0]["endpoints"]) == 2


def test_what_is_mirrored() -> None:
    service: Object = {"metadata": {"name": "db"}, "spec": {}}
    assert is_mirrored(endpoints(), service)
    assert not is_mirrored(endpoints(), None)
    assert not is_mirrored(endpoints(), {**service, "spec": {"selector": {"app": "db"}}})
    assert not is_mirrored(endpoints(labels={"endpointslice.kubernetes.io/skip-mirror": "true"}), service)
    assert not is_mirrored(endpoints(annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}), service)
