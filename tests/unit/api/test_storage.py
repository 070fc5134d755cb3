"""StorageClasses, CSIDrivers, CSINodes and VolumeAttachments: rules beyond one broken field."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from api.storage.classes import STORAGE_CLASS
from api.storage.csi import CSI_DRIVER, CSI_NODE, VOLUME_ATTACHMENT, VOLUME_ATTACHMENT_STATUS
from apimachinery.objects import Object
from tests.unit.api.samples import complaints, created, replaced


def named(**fields: Any) -> Object:
    return {"metadata": {"name": "x"}, **fields}


def storage_class(*terms: dict[str, list[str]], provisioner: str = "a.b/c") -> Object:
    topologies = [
        {"matchLabelExpressions": [{"key": key, "values": values} for key, values in term.items()]} for term in terms
    ]
    return named(provisioner=provisioner, allowedTopologies=topologies)


def test_provisioners_are_shown_in_lower_case() -> None:
    (error,) = complaints(STORAGE_CLASS, storage_class(provisioner="A B"))
    assert error.startswith('provisioner: Invalid value: "a b": name part must consist of')


def test_a_topology_without_expressions_is_refused() -> None:
    assert complaints(STORAGE_CLASS, storage_class({})) == [
        'allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'
    ]


def test_two_topologies_are_the_same_whatever_the_order_of_their_values() -> None:
    assert complaints(STORAGE_CLASS, storage_class({"z": ["a", "b"]}, {"z": ["b", "a"]}, {"z": ["a"]})) == [
        'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'
    ]


def driver(**spec: Any) -> Object:
    return named(spec=spec)


def test_a_driver_s_name_is_any_subdomain() -> None:
    long = driver()
    long["metadata"]["name"] = ".".join(["a" * 60] * 3)
    assert complaints(CSI_DRIVER, long) == []


def test_what_is_said_of_a_driver_and_where() -> None:
    tokens = [{"audience": "a"}, {"audience": "a", "expirationSeconds": 1}, {"expirationSeconds": 1}]
    path = "spec.tokenRequests"
    assert complaints(CSI_DRIVER, driver(volumeLifecycleModes=["Odd"], tokenRequests=tokens)) == [
        f'{path}[1].audience: Duplicate value: "a"',
        f"{path}[2].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
        'spec.volumeLifecycleModes: Unsupported value: "Odd": supported values: "Persistent", "Ephemeral"',
    ]


def test_updates_of_drivers_look_at_tokens_twice() -> None:
    tokens = [{"audience": "a", "expirationSeconds": 1}]
    _, errors = replaced(CSI_DRIVER, driver(tokenRequests=tokens, attachRequired=False), driver())
    assert [error.partition(":")[0] for error in errors] == [
        "spec.tokenRequests[0].expirationSeconds",
        "spec.attachedRequired",
        "spec.tokenRequests[0].expirationSeconds",
    ]


@pytest.mark.parametrize(("spec", "generation"), [({"requiresRepublish": True}, 1), ({"storageCapacity": True}, None)])
def test_what_counts_for_a_driver_s_generation(spec: dict[str, Any], generation: int | None) -> None:
    new, errors = replaced(CSI_DRIVER, driver(**spec), driver())
    assert errors == []
    assert new["metadata"].get("generation") == generation


def node(**fields: Any) -> Object:
    return named(spec={"drivers": [{"name": "a.b", "nodeID": "n", **fields}]})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"nodeID": "n" * 256}, []),
        ({"nodeID": "n" * 257}, ["spec.drivers[0].nodeID: Invalid value: "]),
        ({"topologyKeys": ["a b"]}, ['spec.drivers[0]: Invalid value: "a b": name part must consist of']),
    ],
)
def test_drivers_of_a_node(fields: dict[str, Any], told: list[str]) -> None:
    errors = complaints(CSI_NODE, node(**fields))
    assert len(errors) == len(told), errors
    assert all(error.startswith(start) for error, start in zip(errors, told, strict=True))


def test_a_driver_of_a_node_stays_as_it_is() -> None:
    old = created(CSI_NODE, node())
    assert replaced(CSI_NODE, copy.deepcopy(old), old)[1] == []
    assert replaced(CSI_NODE, named(spec={"drivers": []}), old)[1] == []
    assert replaced(CSI_NODE, node(topologyKeys=["zone"]), old)[1] == [
        'CSINodeDriver: Invalid value: storage.CSINodeDriver{Name:"a.b", NodeID:"n", TopologyKeys:[]string{"zone"}, '
        "Allocatable:(*storage.VolumeNodeResources)(nil)}: field is immutable"
    ]


def attachment(**source: Any) -> Object:
    return named(spec={"attacher": "a.b", "nodeName": "n", "source": source})


ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({}, f"spec.source: Required value: {ONE}"),
        ({"persistentVolumeName": "v", "inlineVolumeSpec": {}}, f"spec.source: Forbidden: {ONE}"),
        ({"persistentVolumeName": "A"}, 'spec.source.persistentVolumeName: Invalid value: "A": a lowercase RFC 1123'),
    ],
)
def test_what_is_attached(source: dict[str, Any], told: str) -> None:
    (error,) = complaints(VOLUME_ATTACHMENT, attachment(**source))
    assert error.startswith(told)


def test_updates_of_attachments_tell_of_causes_twice() -> None:
    _, errors = replaced(VOLUME_ATTACHMENT, attachment(), attachment(persistentVolumeName="v"))
    assert [error.partition(":")[0] for error in errors] == ["spec.source", "spec.source", "spec"]


def test_what_attachers_write_has_its_limits() -> None:
    spec = {"attacher": "a.b", "nodeName": "n", "source": {"persistentVolumeName": "p"}}
    old = created(VOLUME_ATTACHMENT, named(spec=spec))
    new = copy.deepcopy(old)
    new["status"] = {
        "attached": True,
        "attachmentMetadata": {"a": "é" * 128 * 1024},
        "attachError": {"message": "a" * 1024},
        "detachError": {"message": "é" * 513},
    }
    VOLUME_ATTACHMENT_STATUS.prepare_update(new, old)
    told = [
        "status.attachmentMetadata: Too long: must have at most 262144 bytes",
        "status.detachError.message: Too long: must have at most 262144 bytes",
    ]
    assert [str(error) for error in VOLUME_ATTACHMENT_STATUS.validate_update(new, old)] == told * 2
    new["status"] = {"attached": True, "attachmentMetadata": {"a": "b"}}
    assert VOLUME_ATTACHMENT_STATUS.validate_update(new, old) == []
