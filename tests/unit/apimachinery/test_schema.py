"""The derived types as data: complete, and with what patches and field management need."""

from __future__ import annotations

import pytest

from apimachinery import schema
from apimachinery.schema import TypeSchema, model

SCHEMAS = schema.load()
CORE = "io.k8s.api.core.v1"


def test_every_type_that_is_named_exists() -> None:
    seen: set[int] = set()

    def visit(found: TypeSchema) -> None:
        if id(found) in seen:
            return
        seen.add(id(found))
        for field in found.fields.values():
            visit(field.type)
        if found.element is not None:
            visit(found.item)

    for name in SCHEMAS.names:
        visit(SCHEMAS.named(name))
    assert len(seen) > 400


@pytest.mark.parametrize(
    "gvk",
    ["/v1/Pod", "apps/v1/Deployment", "batch/v1/CronJob", "apiextensions.k8s.io/v1/CustomResourceDefinition",
     "apiregistration.k8s.io/v1/APIService", "flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema", "autoscaling/v1/Scale",
     "policy/v1/Eviction", "authentication.k8s.io/v1/TokenRequest", "events.k8s.io/v1/Event"],
)  # fmt: skip
def test_served_kinds_have_a_type(gvk: str) -> None:
    group, version, kind = gvk.split("/")
    found = SCHEMAS.for_kind(group, version, kind)
    assert found is not None
    assert found.go_type == f"{version}.{kind}"


def test_unknown_kinds_have_none() -> None:
    assert SCHEMAS.for_kind("apps", "v1", "Nonsense") is None


@pytest.mark.parametrize(
    ("struct", "field", "list_type", "keys"),
    [
        ("PodSpec", "containers", "map", ("name",)),
        ("Container", "ports", "map", ("containerPort", "protocol")),
        ("ServiceSpec", "ports", "map", ("port", "protocol")),
        ("PodSpec", "tolerations", "atomic", ()),
        ("PodStatus", "conditions", "map", ("type",)),
        ("Container", "command", "atomic", ()),
    ],
)
def test_list_types(struct: str, field: str, list_type: str, keys: tuple[str, ...]) -> None:
    found = SCHEMAS.named(f"{CORE}.{struct}").fields[field].type
    assert (found.list_type, found.list_keys) == (list_type, keys)


def test_patch_metadata() -> None:
    volumes = SCHEMAS.named(f"{CORE}.PodSpec").fields["volumes"]
    assert volumes.patch_strategies == ("merge", "retainKeys")
    assert volumes.merge_key == "name"
    metadata = SCHEMAS.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    assert metadata.fields["finalizers"].type.list_type == model.SET
    assert metadata.fields["ownerReferences"].type.list_keys == ("uid",)


def test_atomic_structs_and_types_as_go_names_them() -> None:
    assert SCHEMAS.named("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector").atomic
    spec = SCHEMAS.named(f"{CORE}.PodSpec").fields
    assert spec["restartPolicy"].type.go_type == "v1.RestartPolicy"
    assert spec["containers"].type.go_type == "[]v1.Container"
    assert spec["nodeSelector"].type.go_type == "map[string]string"
    limits = SCHEMAS.named(f"{CORE}.ResourceRequirements").fields["limits"].type
    assert limits.go_type == "v1.ResourceList"
    assert limits.item.go_type == "resource.Quantity"


def test_fields_of_structs_and_maps() -> None:
    config_map = SCHEMAS.for_kind("", "v1", "ConfigMap")
    assert config_map is not None
    data = config_map.field_type("data")
    assert data is not None and data.kind == model.MAP
    anything = data.field_type("any.key")
    assert anything is not None and anything.kind == model.STRING
    assert config_map.field_type("nonsense") is None
