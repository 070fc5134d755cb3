"""What all writes of some kinds have in common: versions they must name, metadata they may not change, generations."""

from __future__ import annotations

import copy

import pytest

from api import catalog
from api.admissionregistration.policies import POLICY_STATUS
from api.apiextensions.crd import CUSTOM_RESOURCE_DEFINITION_STATUS
from api.apiregistration.apiservice import API_SERVICE_STATUS
from api.apps.replicaset import REPLICA_SET_STATUS
from api.discovery.endpointslice import ENDPOINT_SLICE
from api.flowcontrol.priority import FLOW_SCHEMA_STATUS, LEVEL_STATUS
from api.scheduling.priorityclass import PRIORITY_CLASS
from api.storage.csi import VOLUME_ATTACHMENT_STATUS
from api.strategies import STATUS_METADATA, StatusStrategy
from tests.unit.api.samples import created, replaced

OLD = {
    "name": "x",
    "generation": 3,
    "labels": {"a": "old"},
    "annotations": {"a": "old"},
    "finalizers": ["a/old"],
    "ownerReferences": [{"name": "old"}],
    "managedFields": [{"manager": "old"}],
}
NEW = {
    "name": "x",
    "generation": 9,
    "labels": {"a": "new"},
    "annotations": {"a": "new"},
    "finalizers": ["a/new"],
    "ownerReferences": [{"name": "new"}],
    "deletionTimestamp": "2023-01-01T00:00:00Z",
    "managedFields": [{"manager": "new"}],
}
#: The kinds served outside the core group of which a PUT without resourceVersion overwrites nothing.
CONDITIONAL = {
    "apiservices",
    "csidrivers",
    "csinodes",
    "csistoragecapacities",
    "customresourcedefinitions",
    "leases",
    "mutatingwebhookconfigurations",
    "poddisruptionbudgets",
    "runtimeclasses",
    "validatingwebhookconfigurations",
    "volumeattachments",
}


def test_updates_that_must_name_the_version_they_change() -> None:
    kinds = [kind for kind in catalog.KINDS if kind.resource.group]
    found = {kind.resource.plural for kind in kinds if not kind.strategy.allow_unconditional_update}
    assert found == CONDITIONAL
    for kind in kinds:
        for strategy in (each.strategy for each in kind.subresources if each.strategy is not None):
            assert strategy.allow_unconditional_update == kind.strategy.allow_unconditional_update


def test_kinds_that_a_put_to_an_absent_name_creates() -> None:
    found = {kind.resource.plural for kind in catalog.KINDS if kind.strategy.allow_create_on_update}
    assert {"clusterroles", "leases", "rolebindings", "runtimeclasses"} <= found


@pytest.mark.parametrize(
    ("strategy", "kept"),
    [
        (REPLICA_SET_STATUS, {"generation"}),
        (API_SERVICE_STATUS, {"generation", "labels", "annotations", "finalizers", "ownerReferences"}),
        (FLOW_SCHEMA_STATUS, set(STATUS_METADATA)),
        (LEVEL_STATUS, set(STATUS_METADATA)),
        (POLICY_STATUS, set(STATUS_METADATA)),
        (VOLUME_ATTACHMENT_STATUS, set(STATUS_METADATA)),
        (CUSTOM_RESOURCE_DEFINITION_STATUS, set(STATUS_METADATA)),
    ],
)
def test_metadata_that_a_write_of_the_status_leaves_alone(strategy: StatusStrategy, kept: set[str]) -> None:
    old = {"metadata": copy.deepcopy(OLD), "spec": {}, "status": {}}
    new = {"metadata": copy.deepcopy(NEW), "spec": {}, "status": {}}
    strategy.prepare_update(new, old)
    assert new["metadata"]["managedFields"] == NEW["managedFields"]
    assert {field for field in STATUS_METADATA if new["metadata"].get(field) == OLD.get(field)} == kept


def test_priority_classes_have_one_generation() -> None:
    old = {"metadata": {"name": "x"}, "value": 1}
    after, _ = replaced(PRIORITY_CLASS, {**copy.deepcopy(old), "description": "d"}, old)
    assert after["metadata"]["generation"] == 1


def test_topology_that_v1_drops_still_makes_a_generation() -> None:
    endpoint = {"addresses": ["10.0.0.1"]}
    old = {"metadata": {"name": "x"}, "addressType": "IPv4", "endpoints": [endpoint]}
    new = {**old, "metadata": {"name": "x"}, "endpoints": [{**endpoint, "deprecatedTopology": {"a": "b"}}]}
    after, _ = replaced(ENDPOINT_SLICE, new, old)
    assert after["endpoints"] == [endpoint]
    assert after["metadata"]["generation"] == 2


@pytest.mark.parametrize("kind", ["FQDN", "IPv4"])
def test_slices_of_names_are_deprecated(kind: str) -> None:
    new = created(ENDPOINT_SLICE, {"metadata": {"name": "x"}, "addressType": kind})
    expected = ["spec.addressType: FQDN endpoints are deprecated"] if kind == "FQDN" else []
    assert ENDPOINT_SLICE.warnings(new, None) == expected
    assert ENDPOINT_SLICE.warnings(new, new) == []
