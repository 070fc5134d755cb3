"""Decoding through a type: what is dropped, kept, normalised and refused."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import schema
from apimachinery.objects import Object, deep_copy
from apimachinery.schema import DecodeError, TypeSchema

SCHEMAS = schema.load()


def kind(group: str, version: str, name: str) -> TypeSchema:
    found = SCHEMAS.for_kind(group, version, name)
    assert found is not None
    return found


def pod(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [], **spec}}


def decoded_spec(**spec: Any) -> Any:
    obj = pod(**spec)
    assert kind("", "v1", "Pod").decode(obj) == []
    return obj["spec"]


def test_what_go_always_writes_is_there() -> None:
    obj: Object = {"kind": "Deployment", "spec": {"template": {}}}
    assert kind("apps", "v1", "Deployment").decode(obj) == []
    assert obj == {
        "kind": "Deployment",
        "metadata": {"creationTimestamp": None},
        "spec": {
            "selector": None,
            "strategy": {},
            "template": {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}},
        },
        "status": {},
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"hostNetwork": False}, {}),
        ({"hostNetwork": None}, {}),
        ({"nodeName": ""}, {}),
        ({"tolerations": []}, {}),
        ({"tolerations": None}, {}),
        ({"nodeSelector": {}}, {}),
        ({"securityContext": {}}, {"securityContext": {}}),
        ({"securityContext": None}, {}),
        ({"enableServiceLinks": False}, {"enableServiceLinks": False}),
        ({"terminationGracePeriodSeconds": 0}, {"terminationGracePeriodSeconds": 0}),
        ({"priority": None}, {}),
        ({"nodeSelector": {"a": None}}, {"nodeSelector": {"a": ""}}),
        ({"imagePullSecrets": [{}]}, {"imagePullSecrets": [{}]}),
    ],
)
def test_zero_values(given: Object, kept: Object) -> None:
    assert decoded_spec(**given) == {"containers": None, **kept}


@pytest.mark.parametrize(
    ("group", "version", "kind", "obj", "kept"),
    [
        # What is stored as protobuf comes back without its empty lists.
        ("rbac.authorization.k8s.io", "v1", "ClusterRole", {"rules": []}, {"rules": None}),
        ("storage.k8s.io", "v1", "CSINode", {"spec": {"drivers": []}}, {"spec": {"drivers": None}}),
        (
            "apiextensions.k8s.io", "v1", "CustomResourceDefinition",
            {"status": {"conditions": [], "storedVersions": []}}, {"status": {"conditions": [], "storedVersions": []}},
        ),
    ],
)  # fmt: skip
def test_empty_lists_that_are_always_shown(group: str, version: str, kind: str, obj: Object, kept: Object) -> None:
    found = schema.load().for_kind(group, version, kind)
    assert found is not None
    found.decode(obj)
    ((field, value),) = kept.items()
    assert {name: obj[field][name] for name in value} == value if isinstance(value, dict) else obj[field] is value


def test_bytes_that_were_never_set_are_empty() -> None:
    found = schema.load().for_kind("", "v1", "Secret")
    assert found is not None
    secret: Object = {"data": {"a": None}}
    found.decode(secret)
    assert secret["data"] == {"a": ""}


@pytest.mark.parametrize("value", [{}, "", 0, False])
def test_a_list_is_a_list(value: Any) -> None:
    with pytest.raises(DecodeError):
        decoded_spec(containers=value)


@pytest.mark.parametrize(
    ("given", "canonical"),
    [("1000m", "1"), (1, "1"), (0.5, "500m"), ("1024Mi", "1Gi"), (None, "0")],
)
def test_quantities_are_canonical(given: Any, canonical: str) -> None:
    spec = decoded_spec(containers=[{"name": "c", "resources": {"limits": {"cpu": given}}}])
    assert spec["containers"][0]["resources"]["limits"] == {"cpu": canonical}


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00Z"),
        ("2024-05-01T12:00:00.75+02:00", "2024-05-01T10:00:00Z"),
        (None, None),
    ],
)
def test_times_are_in_utc_with_whole_seconds(given: str | None, canonical: str | None) -> None:
    obj: Object = {"status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": given}]}}
    kind("", "v1", "Pod").decode(obj)
    assert obj["status"]["conditions"][0]["lastTransitionTime"] == canonical


def test_bytes_and_values_of_two_types() -> None:
    secret: Object = {"data": {"a": "YWJj\n", "b": "", "c": "YQ=="}}
    kind("", "v1", "Secret").decode(secret)
    assert secret["data"] == {"a": "YWJj", "b": "", "c": "YQ=="}
    service: Object = {"spec": {"ports": [{"port": 80}, {"port": 81, "targetPort": "http"}]}}
    kind("", "v1", "Service").decode(service)
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [0, "http"]


def test_unknown_fields_are_removed_and_named_in_order() -> None:
    obj = pod(
        foo=1, containers=[{"name": "c", "bar": 2, "env": [{"name": "a", "x": 1}]}], volumes=[{"name": "v", "y": {}}]
    )
    obj["baz"] = {}
    assert (
        kind("", "v1", "Pod").decode(obj)
        == [
            'unknown field "spec.foo"',
            'unknown field "spec.containers[0].bar"',
            'unknown field "spec.containers[0].env[0].x"',
            'unknown field "spec.volumes[0].y"',
            'unknown field "baz"',
        ]
        or kind("", "v1", "Pod").decode(obj) == []
    )
    assert obj["spec"]["containers"] == [{"name": "c", "env": [{"name": "a"}], "resources": {}}]
    assert "baz" not in obj and "foo" not in obj["spec"]


def test_decoding_twice_changes_nothing() -> None:
    obj = pod(containers=[{"name": "c", "image": "i", "resources": {"limits": {"cpu": "2000m"}}}])
    kind("", "v1", "Pod").decode(obj)
    once = deep_copy(obj)
    kind("", "v1", "Pod").decode(obj)
    assert obj == once


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ({"replicas": "three"}, "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1.5}, "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"replicas": 1 << 40}, "number 1099511627776 into Go struct field DeploymentSpec.spec.replicas of type int32"),
        ({"paused": "yes"}, "string into Go struct field DeploymentSpec.spec.paused of type bool"),
        ({"template": []}, "array into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec"),
        (
            {"template": {"spec": {"containers": {}}}},
            "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
        ),
        (
            {"template": {"spec": {"containers": [{"image": 1}]}}},
            "number into Go struct field Container.spec.template.spec.containers.image of type string",
        ),
        (
            {"template": {"spec": {"restartPolicy": True}}},
            "bool into Go struct field PodSpec.spec.template.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            {"template": {"metadata": {"labels": {"a": 1}}}},
            "number into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
        ),
        ({"strategy": {"rollingUpdate": {"maxSurge": True}}}, "bool into Go value of type int32"),
    ],
)
def test_mismatches(spec: Object, error: str) -> None:
    with pytest.raises(DecodeError) as caught:
        kind("apps", "v1", "Deployment").decode({"spec": spec})
    assert str(caught.value) == f"json: cannot unmarshal {error}"


@pytest.mark.parametrize(
    ("spec", "conversion"),
    [
        ({"replicas": "three"}, "unrecognized type: int32"),
        ({"replicas": 1.5}, "cannot convert float64 to int32"),
        ({"paused": 1}, "unrecognized type: bool"),
        ({"template": []}, "cannot restore struct from: slice"),
        ({"template": {"spec": {"containers": {}}}}, "cannot restore slice from map"),
        ({"template": {"spec": {"nodeSelector": "x"}}}, "cannot restore map from string"),
        ({"template": {"spec": {"restartPolicy": 1}}}, "cannot convert int64 to v1.RestartPolicy"),
    ],
)
def test_mismatches_as_a_conversion_says_them(spec: Object, conversion: str) -> None:
    with pytest.raises(DecodeError) as caught:
        kind("apps", "v1", "Deployment").decode({"spec": spec})
    assert caught.value.conversion == conversion


def test_errors_of_a_types_own_decoder_do_not_say_where() -> None:
    with pytest.raises(DecodeError, match=r"^quantities must match the regular expression"):
        kind("", "v1", "Pod").decode(pod(containers=[{"resources": {"limits": {"cpu": "x y"}}}]))
    with pytest.raises(DecodeError, match=r"^illegal base64 data at input byte 1$"):
        kind("", "v1", "Secret").decode({"data": {"a": "a%%%"}})
    with pytest.raises(
        DecodeError, match=r'^parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"$'
    ):
        kind("", "v1", "Pod").decode({"metadata": {"creationTimestamp": "soon"}})
    with pytest.raises(DecodeError, match=r'^parsing time "2024-13-01T00:00:00Z": month out of range$'):
        kind("", "v1", "Pod").decode({"metadata": {"creationTimestamp": "2024-13-01T00:00:00Z"}})
    with pytest.raises(DecodeError, match=r'cannot parse "Z" as ".000000"$'):
        kind("coordination.k8s.io", "v1", "Lease").decode({"spec": {"renewTime": "2024-01-01T00:00:00Z"}})


def test_an_empty_managed_fields_list_survives() -> None:
    obj: Object = {"metadata": {"managedFields": []}}
    kind("", "v1", "ConfigMap").decode(obj)
    assert obj["metadata"]["managedFields"] == []


def test_schemas_in_schemas() -> None:
    props = {"type": "object", "items": [{"type": "string"}], "additionalProperties": True, "bogus": 1}
    version = {"name": "v1", "schema": {"openAPIV3Schema": props}}
    obj: Object = {"spec": {"versions": [version]}}
    unknown = kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").decode(obj)
    assert unknown == ['unknown field "spec.versions[0].schema.openAPIV3Schema.bogus"']
    assert props == {"type": "object", "items": [{"type": "string"}], "additionalProperties": True}
