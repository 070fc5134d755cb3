"""The texts of `kubectl explain`: they name what exists, and nobody meets an empty one where people look most."""

from __future__ import annotations

import pytest
import yaml

from api.catalog import KINDS
from apimachinery import schema
from apimachinery.objects import Object
from apimachinery.schema import model
from apiserver.openapi import describing, documents

SCHEMAS = schema.load()
TEXTS = describing.load()
#: Whose fields people look up, with all that they are made of.
LOOKED_UP = (
    "io.k8s.api.core.v1.Pod", "io.k8s.api.core.v1.Service", "io.k8s.api.core.v1.ConfigMap", "io.k8s.api.core.v1.Node",
    "io.k8s.api.apps.v1.Deployment", "io.k8s.api.apps.v1.StatefulSet", "io.k8s.api.apps.v1.DaemonSet",
    "io.k8s.api.batch.v1.CronJob", "io.k8s.api.networking.v1.Ingress", "io.k8s.api.networking.v1.NetworkPolicy",
    "io.k8s.api.rbac.v1.ClusterRole", "io.k8s.api.rbac.v1.RoleBinding", "io.k8s.api.storage.v1.StorageClass",
    "io.k8s.api.core.v1.PersistentVolumeClaim",
)  # fmt: skip
#: Sources of volumes that hardly anybody uses any more have a text for themselves, not for each of their fields.
RARE = (
    "AWSElasticBlockStore", "Azure", "CephFS", "Cinder", "FC", "FlexVolume", "Flocker", "GCEPersistentDisk", "GitRepo",
    "Glusterfs", "ISCSI", "PhotonPersistentDisk", "Portworx", "Quobyte", "RBD", "ScaleIO", "StorageOS",
    "VsphereVirtual",
    "NodeConfig", "ConfigMapNodeConfig", "ClaimSource", "PodResourceClaim", "IngressPortStatus", "IngressLoadBalancer",
    "IngressServiceBackendPort", "UncountedTerminatedPods", "PodFailurePolicyOn",
)  # fmt: skip


def test_every_text_is_of_something_that_exists() -> None:
    fields: dict[str, set[str]] = {}
    for name in SCHEMAS.names:
        parts = name.split(".")
        for key in (parts[-1], ".".join(parts[-3:])):
            fields.setdefault(key, set()).update(SCHEMAS.named(name).fields)
    unknown = []
    for path in sorted(describing._FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.name == describing._COMMON:
            everywhere = set().union(*fields.values())
            unknown += [field for field in content if field not in everywhere]
            continue
        for key, texts in content.items():
            unknown += [f"{key}.{field}" for field in texts if field != "_" and field not in fields.get(key, ())]
    assert unknown == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.resource.group}/{kind.resource.kind}")
def test_every_kind_says_what_it_is(kind: object) -> None:
    resource = kind.resource  # type: ignore[attr-defined]
    name = SCHEMAS.kinds[f"{resource.group}/{resource.version}/{resource.kind}"]
    assert TEXTS.of_type(name).endswith(".")


def parts_of(name: str, seen: set[str]) -> set[str]:
    if name in seen or name.rpartition(".")[2].startswith(RARE):
        return seen
    seen.add(name)
    for field in SCHEMAS.named(name).fields.values():
        inner = field.type
        while inner.kind in (model.LIST, model.MAP):
            inner = inner.item
        if inner.kind == model.STRUCT and inner.name:
            parts_of(inner.name, seen)
    return seen


@pytest.mark.parametrize("name", LOOKED_UP)
def test_what_people_look_up_says_what_it_is(name: str) -> None:
    silent = []
    for part in sorted(parts_of(name, set())):
        silent += [] if TEXTS.of_type(part) else [part]
        silent += [f"{part}.{field}" for field in SCHEMAS.named(part).fields if not TEXTS.of_field(part, field)]
    assert silent == []


def test_a_reference_with_a_text_stands_in_all_of() -> None:
    document: Object = documents.v3(SCHEMAS, KINDS, "", "v1", "v1.28.7")
    spec = document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}]
    assert spec["description"]
    old = documents.v2(SCHEMAS, KINDS, "v1.28.7")["definitions"]["io.k8s.api.core.v1.Pod"]["properties"]["spec"]
    assert old["$ref"] == "#/definitions/io.k8s.api.core.v1.PodSpec"
    assert old["description"] == spec["description"]
