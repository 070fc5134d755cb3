"""ConfigMaps, Secrets, quotas, limit ranges, claims, volumes, nodes, namespaces: their rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.core.data import CONFIG_MAP, SECRET
from api.core.namespace import NAMESPACE, NAMESPACE_STATUS
from api.core.node import NODE
from api.core.persistentvolume import VOLUME
from api.core.persistentvolumeclaim import CLAIM
from api.core.pod.strategy import POD
from api.core.quota import LIMIT_RANGE, RESOURCE_QUOTA, quota_cells
from api.core.rounding import round_up
from api.core.serviceaccount import SERVICE_ACCOUNT
from api.kind import Strategy
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, container, created, pod, replaced

CLAIM_SPEC = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
VOLUME_SPEC = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/v"}}

LOCAL_SPEC = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "local": {"path": "/x"}}


def named(**fields: Any) -> Object:
    return {"metadata": {"name": "x", "namespace": "ns"}, **fields}


@pytest.mark.parametrize(
    ("strategy", "fields", "expected"),
    [
        (CONFIG_MAP, {"data": {"a": "b"}, "binaryData": {"c": "AA=="}}, []),
        (CONFIG_MAP, {"data": {"a b": "c"}}, ['data[a b]: Invalid value: "a b": a valid config key']),
        (CONFIG_MAP, {"data": {"a": ""}, "binaryData": {"a": ""}}, ['data[a]: Invalid value: "a": duplicate of key']),
        (CONFIG_MAP, {"data": {"a": "x" * (1 << 20) + "x"}}, ["[]: Too long: must have at most 1048576 bytes"]),
        (SECRET, {"type": "kubernetes.io/tls"}, ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        (SECRET, {"type": "kubernetes.io/basic-auth", "data": {"username": "YQ=="}}, []),
        (SECRET, {"type": "kubernetes.io/ssh-auth"}, ["data[ssh-privatekey]: Required value"]),
        (SECRET, {"type": "kubernetes.io/dockerconfigjson"}, ["data[.dockerconfigjson]: Required value"]),
        (
            SECRET,
            {"type": "kubernetes.io/dockercfg", "data": {".dockercfg": "bm8="}},
            [
                'data[.dockercfg]: Invalid value: "<secret contents redacted>": '
                "invalid character 'o' in literal null (expecting 'u')"
            ],
        ),
        (
            SECRET,
            {"type": "kubernetes.io/service-account-token"},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
        (RESOURCE_QUOTA, {"spec": {"hard": {"pods": "1", "requests.cpu": "2", "count/jobs.batch": "1"}}}, []),
        (RESOURCE_QUOTA, {"spec": {"hard": {"bogus": "1"}}}, ["spec.hard[bogus]", "spec.hard[bogus]"]),
        (RESOURCE_QUOTA, {"spec": {"hard": {"pods": "1500m"}}}, ["spec.hard[pods]: Invalid value: resource.Quantity{"]),
        (RESOURCE_QUOTA, {"spec": {"scopes": ["Odd"]}}, ["spec.scopes: Invalid value: []core"]),
        (RESOURCE_QUOTA, {"spec": {"scopes": ["BestEffort", "NotBestEffort"]}}, ["spec.scopes: Invalid value"]),
        (LIMIT_RANGE, {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "500m"}}]}}, []),
        (
            LIMIT_RANGE,
            {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}, "min": {"cpu": "2"}}]}},
            ["spec.limits[0].min[cpu]: Invalid value"],
        ),
        (
            LIMIT_RANGE,
            {"spec": {"limits": [{"type": "Pod", "default": {"cpu": "1"}}]}},
            ["spec.limits[0].default: Forbidden"],
        ),
        (CLAIM, {"spec": CLAIM_SPEC}, []),
        (CLAIM, {"spec": {**CLAIM_SPEC, "accessModes": ["Odd"]}}, ["spec.accessModes: Unsupported value"]),
        (
            CLAIM,
            {"spec": {**CLAIM_SPEC, "resources": {"requests": {"storage": "0"}}}},
            ["spec.resources[storage]: Invalid value"],
        ),
        (VOLUME, {"spec": VOLUME_SPEC}, []),
        (VOLUME, {"spec": {**VOLUME_SPEC, "nfs": {"server": "s", "path": "/"}}}, ["spec.nfs: Forbidden"]),
        (VOLUME, {"spec": LOCAL_SPEC}, ["spec.nodeAffinity: Required value: Local volume"]),
        (NODE, {"spec": {"taints": [{"key": "a", "effect": "Odd"}]}}, ["metadata.taints[0].effect: Unsupported value"]),
        (NODE, {"spec": {"podCIDRs": ["10.0.0.0/24", "10.0.1.0/24"]}}, ["spec.podCIDRs: Invalid value: []string{"]),
        (NODE, {"status": {"capacity": {"cpu": "-1"}}}, ["status.capacity.cpu", "status.allocatable.cpu"]),
        (NAMESPACE, {}, []),
        (
            NAMESPACE,
            {"spec": {"finalizers": ["odd"]}},
            ['spec.finalizers: Invalid value: "odd": name is neither a standard'],
        ),
    ],
)
def test_rules(strategy: Strategy, fields: dict[str, Any], expected: list[str]) -> None:
    errors = complaints(strategy, named(**fields))
    assert len(errors) == len(expected), errors
    assert all(error.startswith(start) for error, start in zip(errors, expected, strict=True)), errors


def test_string_data_is_data() -> None:
    made = created(SECRET, named(data={"a": "YQ==", "b": "Yg=="}, stringData={"b": "c"}))
    assert made["data"] == {"a": "YQ==", "b": "Yw=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made


@pytest.mark.parametrize("strategy", [CONFIG_MAP, SECRET])
def test_what_is_immutable_stays(strategy: Strategy) -> None:
    old = named(data={"a": "YQ=="}, immutable=True)
    assert replaced(strategy, old, old)[1] == []
    _, errors = replaced(strategy, named(data={"a": "Yg=="}), old)
    assert [error.partition(":")[0] for error in errors] == ["immutable", "data"]


def test_a_namespace_is_held_and_labelled() -> None:
    made = created(NAMESPACE, {"metadata": {"name": "n"}})
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert made["status"] == {"phase": "Active"}
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "n"}
    NAMESPACE.default(patched := {**made, "status": {}})  # as after a patch that takes the phase away
    assert patched["status"] == {"phase": "Active"}
    after, _ = replaced(NAMESPACE, {"metadata": {"name": "n"}, "spec": {"finalizers": []}}, made)
    assert after["spec"] == {"finalizers": ["kubernetes"]}


def test_a_namespace_terminates_only_when_deleted() -> None:
    live: Object = {"metadata": {"name": "n"}, "status": {"phase": "Terminating"}}
    assert [error.field for error in NAMESPACE_STATUS.validate_update(live, live)] == ["status.Phase"]
    deleted = {**live, "metadata": {"name": "n", "deletionTimestamp": "t"}}
    assert NAMESPACE_STATUS.validate_update(deleted, deleted) == []


def test_limits_of_a_container_are_derived_from_each_other() -> None:
    item = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}
    made = created(LIMIT_RANGE, named(spec={"limits": [item]}))["spec"]["limits"][0]
    assert made["default"] == {"cpu": "2"}
    assert made["defaultRequest"] == {"cpu": "2", "memory": "1Mi"}


def test_claims_grow_once_bound_and_never_shrink() -> None:
    old = created(CLAIM, named(spec=CLAIM_SPEC))
    old["status"]["phase"] = "Bound"

    def resized(size: str, phase: str) -> list[str]:
        new = named(spec={**CLAIM_SPEC, "resources": {"requests": {"storage": size}}}, status={"phase": phase})
        before = {**old, "status": {"phase": phase}}
        CLAIM.default(new)
        CLAIM.prepare_update(new, before)
        return [error.field for error in CLAIM.validate_update(new, before)]

    assert resized("2Gi", "Bound") == []
    assert resized("2Gi", "Pending") == ["spec"]
    assert resized("1Mi", "Bound") == ["spec.resources.requests.storage"]


def test_a_volume_keeps_its_source() -> None:
    _, errors = replaced(VOLUME, named(spec={**VOLUME_SPEC, "hostPath": {"path": "/w"}}), named(spec=VOLUME_SPEC))
    assert len(errors) == 1
    assert errors[0].startswith("spec.persistentvolumesource: Forbidden")


def test_a_node_gets_its_addresses_once() -> None:
    bare, placed = named(), named(spec={"podCIDRs": ["10.0.0.0/24"]})
    assert replaced(NODE, placed, bare)[1] == []
    for moved in ({"podCIDRs": ["10.1.0.0/24"]}, {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.0.0.0/24"]}):
        _, errors = replaced(NODE, named(spec=moved), placed)
        assert errors == ['spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid']


def test_rows_of_quotas() -> None:
    status = {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}
    row = quota_cells(named(status=status), datetime(2024, 1, 1, tzinfo=UTC))
    assert row[2:] == ["pods: 1/5", "limits.cpu: 0/2"]


SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
POPULATOR = {"apiGroup": "example.com", "kind": "Filler", "name": "f"}


@pytest.mark.parametrize(
    ("given", "source", "reference"),
    [
        ({"dataSource": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"dataSourceRef": POPULATOR}, POPULATOR, POPULATOR),
        ({"dataSource": POPULATOR}, None, None),
        ({"dataSourceRef": {**SNAPSHOT, "namespace": "other"}}, None, None),
    ],
)
def test_data_sources_agree(given: dict[str, Any], source: Object | None, reference: Object | None) -> None:
    spec = created(CLAIM, named(spec={**CLAIM_SPEC, **given}))["spec"]
    assert (spec.get("dataSource"), spec.get("dataSourceRef")) == (source, reference)


def test_a_replacement_may_name_one_of_the_data_sources_alone() -> None:
    claim = named(spec={**CLAIM_SPEC, "dataSource": SNAPSHOT})
    new, errors = replaced(CLAIM, claim, claim)
    assert errors == []
    assert new["spec"]["dataSourceRef"] == SNAPSHOT


@pytest.mark.parametrize(
    ("given", "kept"),
    [("100m", "100m"), ("1500u", "2m"), ("1n", "1m"), ("-1500u", "-2m"), ("1Gi", "1Gi"), ("1000001u", "1001m")],
)
def test_amounts_are_no_finer_than_a_thousandth(given: str, kept: str) -> None:
    amounts = {"cpu": given}
    round_up(amounts)
    assert amounts == {"cpu": kept}


def test_every_list_of_amounts_is_rounded() -> None:
    fine, round_ = {"cpu": "100u"}, {"cpu": "1m"}
    for field in ("containers", "initContainers"):
        made = created(POD, pod({field: [container(resources={"limits": dict(fine)})], "overhead": dict(fine)}))["spec"]
        assert made[field][0]["resources"] == {"limits": round_, "requests": round_}
        assert made["overhead"] == round_
    quota = created(RESOURCE_QUOTA, named(spec={"hard": dict(fine)}))
    assert quota["spec"]["hard"] == round_
    limits = created(LIMIT_RANGE, named(spec={"limits": [{"type": "Container", "max": dict(fine)}]}))
    assert limits["spec"]["limits"][0] == {
        "type": "Container",
        "max": round_,
        "default": round_,
        "defaultRequest": round_,
    }
    assert created(NODE, named(status={"capacity": dict(fine)}))["status"]["allocatable"] == round_
    assert created(VOLUME, named(spec={**VOLUME_SPEC, "capacity": dict(fine)}))["spec"]["capacity"] == round_
    claim = created(CLAIM, named(spec={**CLAIM_SPEC, "resources": {"requests": dict(fine)}}))
    assert claim["spec"]["resources"]["requests"] == round_


def test_accounts_know_secrets_by_name() -> None:
    account = named(secrets=[{"name": "s", "namespace": "other", "kind": "Secret"}, {"uid": "u"}])
    assert created(SERVICE_ACCOUNT, account)["secrets"] == [{"name": "s"}, {}]
    assert replaced(SERVICE_ACCOUNT, account, named())[0]["secrets"] == [{"name": "s"}, {}]
