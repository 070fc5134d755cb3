"""lightkube: create, list, watch, patch, apply, delete."""

from __future__ import annotations

import pytest
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Service

from kubetest import ApiServer


@pytest.fixture
def lightkube_client(fresh_kube_api: ApiServer) -> Client:
    return Client(config=KubeConfig.from_file(fresh_kube_api.kubeconfig), field_manager="tests")


def test_a_config_maps_life(lightkube_client: Client) -> None:
    made = lightkube_client.create(ConfigMap(metadata=ObjectMeta(name="m", namespace="default"), data={"a": "1"}))
    assert made.metadata is not None
    patched = lightkube_client.patch(ConfigMap, "m", {"data": {"b": "2"}}, namespace="default")
    assert patched.data == {"a": "1", "b": "2"}
    names = [item.metadata.name for item in lightkube_client.list(ConfigMap, namespace="default") if item.metadata]
    assert "m" in names
    lightkube_client.delete(ConfigMap, "m", namespace="default")
    events = lightkube_client.watch(
        ConfigMap, namespace="default", resource_version=made.metadata.resourceVersion, server_timeout=20
    )
    kinds = []
    for kind, item in events:
        if item.metadata is not None and item.metadata.name == "m":
            kinds.append(kind)
            if kind == "DELETED":
                break
    assert kinds == ["MODIFIED", "DELETED"]
    with pytest.raises(ApiError) as gone:
        lightkube_client.get(ConfigMap, "m", namespace="default")
    assert gone.value.status.code == 404


def test_apply_a_service(lightkube_client: Client) -> None:
    spec = ServiceSpec(selector={"app": "web"}, ports=[ServicePort(port=80)])
    applied = lightkube_client.apply(Service(metadata=ObjectMeta(name="web", namespace="default"), spec=spec))
    assert applied.spec is not None
    assert (applied.spec.clusterIP or "").startswith("10.")
    assert applied.metadata is not None
    assert [entry.manager for entry in applied.metadata.managedFields or ()] == ["tests"]
