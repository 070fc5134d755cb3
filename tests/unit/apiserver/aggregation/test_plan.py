"""Who answers for a group version, where, and whether it can be used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.aggregation import plan
from apiserver.aggregation.plan import Remote, Unroutable, Verdict

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def api_service(
    group: str = "metrics.k8s.io", version: str = "v1", *, local: bool = False, group_priority: int = 100,
    version_priority: int = 10, **fields: Any,
) -> dict[str, Any]:  # fmt: skip
    spec = {"group": group, "version": version, "groupPriorityMinimum": group_priority,
            "versionPriority": version_priority}  # fmt: skip
    if not local:
        spec["service"] = {"namespace": "kube-system", "name": "metrics", "port": 443}
    return {"metadata": {"name": f"{version}.{group}"}, "spec": spec, **fields}


REMOTE = plan.remotes([api_service()])["metrics.k8s.io", "v1"]


def service(**spec: Any) -> dict[str, Any]:
    ports = [{"name": "https", "port": 443}]
    return {"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.9", "ports": ports, **spec}}


def endpoints(*addresses: str, port_name: str = "https") -> dict[str, Any]:
    subset = {"addresses": [{"ip": each} for each in addresses], "ports": [{"name": port_name, "port": 4443}]}
    return {"subsets": [subset]}


def test_only_those_with_a_service_are_remote() -> None:
    found = plan.remotes([api_service("apps", local=True), api_service()])
    assert found == {
        ("metrics.k8s.io", "v1"): Remote(
            "v1.metrics.k8s.io", "metrics.k8s.io", "v1", "kube-system", "metrics", 443, "", False, False
        )
    }
    assert (REMOTE.host, REMOTE.path) == ("metrics.kube-system.svc", "/apis/metrics.k8s.io/v1")


@pytest.mark.parametrize(
    ("found_service", "found_endpoints", "expected"),
    [
        (None, None, Verdict("False", "ServiceNotFound", 'service/metrics in "kube-system" is not present')),
        (
            service(ports=[{"port": 80}]),
            None,
            Verdict("False", "ServicePortError", 'service/metrics in "kube-system" is not listening on port 443'),
        ),
        (
            service(),
            None,
            Verdict("False", "EndpointsNotFound", 'cannot find endpoints for service/metrics in "kube-system"'),
        ),
        (
            service(),
            endpoints(),
            Verdict(
                "False",
                "MissingEndpoints",
                'endpoints for service/metrics in "kube-system" have no addresses with port name "https"',
            ),
        ),
        (
            service(),
            endpoints("10.1.1.1", port_name="other"),
            Verdict(
                "False",
                "MissingEndpoints",
                'endpoints for service/metrics in "kube-system" have no addresses with port name "https"',
            ),
        ),
        (service(), endpoints("10.1.1.1"), None),
        (service(type="ExternalName", externalName="elsewhere", ports=[]), None, None),
    ],
)
def test_what_can_be_told_without_asking(found_service: Any, found_endpoints: Any, expected: Verdict | None) -> None:
    assert plan.verdict(REMOTE, found_service, found_endpoints) == expected


def test_a_condition_is_written_only_where_it_says_something_new() -> None:
    first = plan.with_verdict(api_service(), plan.failed_discovery("no"), _NOW)
    assert first is not None
    (condition,) = first["status"]["conditions"]
    assert condition == {"type": "Available", "status": "False", "reason": "FailedDiscoveryCheck", "message": "no",
                         "lastTransitionTime": "2026-01-02T03:04:05Z"}  # fmt: skip
    assert plan.with_verdict(first, plan.failed_discovery("no"), _NOW) is None
    later = datetime(2026, 1, 3, tzinfo=UTC)
    other = plan.with_verdict(first, plan.failed_discovery("still no"), later)
    assert other is not None
    assert other["status"]["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    passed = plan.with_verdict(first, plan.PASSED, later)
    assert passed is not None
    assert passed["status"]["conditions"][0]["lastTransitionTime"] == "2026-01-03T00:00:00Z"
    assert plan.remotes([passed])["metrics.k8s.io", "v1"].available


def test_addresses_by_cluster_ip() -> None:
    assert plan.cluster_address(REMOTE, service()) == ("10.0.0.9", 443)
    assert plan.cluster_address(REMOTE, service(type="ExternalName", externalName="else.where")) == ("else.where", 443)
    for bad in (None, service(clusterIP="None"), service(ports=[])):
        with pytest.raises(Unroutable):
            plan.cluster_address(REMOTE, bad)


def test_addresses_by_endpoints() -> None:
    found = plan.endpoint_address(REMOTE, service(), endpoints("10.1.1.1", "10.1.1.2"), lambda each: each[-1])
    assert found == ("10.1.1.2", 4443)
    for bad in (None, endpoints(), endpoints("10.1.1.1", port_name="other")):
        with pytest.raises(Unroutable):
            plan.endpoint_address(REMOTE, service(), bad, lambda each: each[0])


def test_groups_by_priority_and_versions_within_them() -> None:
    local = {
        "": ["v1"],
        "apiregistration.k8s.io": ["v1"],
        "apps": ["v1"],
        "autoscaling": ["v2", "v1"],
        "example.com": ["v1", "v2alpha1"],
    }
    objects = [
        api_service("", local=True, group_priority=18000),
        api_service("apps", local=True, group_priority=17800),
        api_service("autoscaling", "v1", local=True, group_priority=17500, version_priority=15),
        api_service("autoscaling", "v2", local=True, group_priority=17500, version_priority=30),
        api_service("metrics.k8s.io", "v1beta1", group_priority=17600),
        api_service("metrics.k8s.io", "v1", group_priority=100),
        api_service("last.io", "v1", group_priority=10),
    ]
    assert list(plan.in_order(local, objects).items()) == [
        ("apiregistration.k8s.io", ["v1"]),
        ("", ["v1"]),
        ("apps", ["v1"]),
        ("metrics.k8s.io", ["v1", "v1beta1"]),
        ("autoscaling", ["v2", "v1"]),
        ("example.com", ["v1", "v2alpha1"]),
        ("last.io", ["v1"]),
    ]


def definition(*versions: str, established: str = "True") -> dict[str, Any]:
    return {
        "spec": {"group": "example.com", "versions": [{"name": each, "served": each != "v0"} for each in versions]},
        "status": {"conditions": [{"type": "Established", "status": established}]},
    }


def test_definitions_have_an_api_service_for_each_version_served() -> None:
    wanted = plan.of_definitions([definition("v0", "v1", "v2"), definition("v3", established="False")])
    assert sorted(wanted) == ["v1.example.com", "v2.example.com"]
    made = plan.changes(wanted, [])
    assert [obj["metadata"]["name"] for obj in made.create] == ["v1.example.com", "v2.example.com"]
    assert plan.changes(wanted, made.create) == plan.Changes((), (), ())


def test_api_services_of_definitions_are_mended_and_removed_and_those_of_users_are_not() -> None:
    wanted = plan.of_definitions([definition("v1")])
    managed = {plan.AUTOMANAGED: "true"}
    bent = {"metadata": {"name": "v1.example.com", "labels": managed}, "spec": {"version": "v9"}}
    old = {"metadata": {"name": "v1.gone.com", "labels": managed}, "spec": {}}
    users = {"metadata": {"name": "v1.users.com"}, "spec": {}}
    ours = {"metadata": {"name": "v1.apps", "labels": {plan.AUTOMANAGED: "onstart"}}, "spec": {}}
    needed = plan.changes(wanted, [bent, old, users, ours])
    assert needed.create == ()
    assert [obj["spec"] for obj in needed.update] == [wanted["v1.example.com"]["spec"]]
    assert needed.delete == (old,)
    assert plan.changes(wanted, [{"metadata": {"name": "v1.example.com"}, "spec": {}}]) == plan.Changes((), (), ())
