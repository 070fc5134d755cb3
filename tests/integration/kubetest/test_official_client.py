"""The official Python client: create, list, watch, patch, delete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import client, config, dynamic, watch

from kubetest import ApiServer

_POD = {"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.fixture
def api_client(fresh_kube_api: ApiServer) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(fresh_kube_api.kubeconfig)) as made:
        yield made


def test_a_pods_life(api_client: client.ApiClient) -> None:
    core = client.CoreV1Api(api_client)
    made = core.create_namespaced_pod("default", _POD)
    assert made.spec.restart_policy == "Always"
    patched = core.patch_namespaced_pod("web", "default", {"metadata": {"labels": {"tier": "front"}}})
    assert patched.metadata.labels == {"app": "web", "tier": "front"}
    listed = core.list_namespaced_pod("default", label_selector="tier=front")
    assert [pod.metadata.name for pod in listed.items] == ["web"]
    core.delete_namespaced_pod("web", "default", grace_period_seconds=0)
    stream = watch.Watch().stream(
        core.list_namespaced_pod, "default", resource_version=made.metadata.resource_version, timeout_seconds=20
    )
    seen = []
    for event in stream:
        seen.append((event["type"], event["object"].metadata.deletion_timestamp is not None))
        if event["type"] == "DELETED":
            break
    # The mark with no grace left is an event of its own.
    assert seen == [("MODIFIED", False), ("MODIFIED", True), ("DELETED", True)]
    with pytest.raises(client.ApiException) as gone:
        core.read_namespaced_pod("web", "default")
    assert gone.value.status == 404


def test_other_groups_and_scale(api_client: client.ApiClient) -> None:
    apps = client.AppsV1Api(api_client)
    template = {"metadata": {"labels": {"app": "web"}}, "spec": _POD["spec"]}
    wanted = {
        "metadata": {"name": "web"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    apps.create_namespaced_deployment("default", wanted)
    scaled = apps.patch_namespaced_deployment_scale("web", "default", {"spec": {"replicas": 3}})
    assert scaled.spec.replicas == 3
    assert apps.read_namespaced_deployment("web", "default").spec.replicas == 3


def test_namespaces_vanish_with_what_is_in_them(api_client: client.ApiClient) -> None:
    core = client.CoreV1Api(api_client)
    made = core.create_namespace({"metadata": {"name": "short-lived"}})
    core.create_namespaced_config_map("short-lived", {"metadata": {"name": "inside"}})
    core.delete_namespace("short-lived")
    events = watch.Watch().stream(
        core.list_namespace, resource_version=made.metadata.resource_version, timeout_seconds=20
    )
    assert any(event["type"] == "DELETED" for event in events if event["object"].metadata.name == "short-lived")
    assert not core.list_namespaced_config_map("short-lived").items


def test_discovery_and_server_side_apply(api_client: client.ApiClient) -> None:
    maps = dynamic.DynamicClient(api_client).resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": {"a": "1"}}
    applied = maps.server_side_apply(body=body, namespace="default", field_manager="tests")
    assert applied.data.to_dict() == {"a": "1"}
    assert [entry.manager for entry in applied.metadata.managedFields] == ["tests"]
