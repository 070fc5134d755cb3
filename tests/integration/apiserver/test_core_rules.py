"""Rules of core/v1 as clients meet them: what is refused and in which words, what is dropped, what is warned of."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from api.resources import (
    CLUSTER_ROLES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DAEMON_SETS,
    NAMESPACES,
    NODES,
    PODS,
    REPLICATION_CONTROLLERS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from apimachinery.errors import Invalid, NotFound
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import ADMIN_TOKEN, ApiServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

_OWN = "name is neither a standard finalizer name nor is it fully qualified"


def pod(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{"name": "c", "image": "nginx"}], "automountServiceAccountToken": False, **spec},
    }


async def test_finalizers_are_checked_at_every_write(api: RestClient) -> None:
    held = await api.create(CONFIG_MAPS, {"metadata": {"name": "held", "namespace": "default"}})
    held["metadata"]["finalizers"] = ["mine"]
    with pytest.raises(Invalid, match=_OWN):
        await api.update(CONFIG_MAPS, held)
    held["metadata"]["finalizers"] = ["example.com/mine"]
    assert (await api.update(CONFIG_MAPS, held))["metadata"]["finalizers"] == ["example.com/mine"]


async def test_custom_resources_may_have_any_finalizer(api: RestClient) -> None:
    names = {"plural": "lamps", "singular": "lamp", "kind": "Lamp", "listKind": "LampList"}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "metadata": {"name": "lamps.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    await api.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
    lamps = Resource("example.com", "v1", "lamps", "Lamp")
    lamp = {"metadata": {"name": "a", "namespace": "default", "finalizers": ["mine"]}}
    assert (await api.create(lamps, lamp))["metadata"]["finalizers"] == ["mine"]


async def test_a_put_makes_services_but_no_config_maps(api: RestClient) -> None:
    service = {"metadata": {"name": "put", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}
    assert (await api.update(SERVICES, service))["spec"]["clusterIP"].startswith("10.")
    with pytest.raises(NotFound):
        await api.update(CONFIG_MAPS, {"metadata": {"name": "put", "namespace": "default"}})


async def test_templates_in_the_host_network_without_host_ports(api: RestClient) -> None:
    template = pod("x", hostNetwork=True, containers=[{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}])
    spec = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": template["spec"]},
    }
    made = await api.create(DAEMON_SETS, {"metadata": {"name": "hosted", "namespace": "default"}, "spec": spec})
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


async def test_pods_lose_what_is_off_and_are_not_privileged(api: RestClient) -> None:
    await api.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default", "namespace": "default"}})
    first = {"name": "i", "image": "i", "restartPolicy": "Always"}
    made = await api.create(PODS, pod("plain", initContainers=[first], hostUsers=False))
    assert "restartPolicy" not in made["spec"]["initContainers"][0]
    assert "hostUsers" not in made["spec"]
    privileged = {"name": "c", "image": "i", "securityContext": {"privileged": True}}
    with pytest.raises(Invalid, match=r"containers\[0\].securityContext.privileged: Forbidden: disallowed by cluster"):
        await api.create(PODS, pod("privileged", containers=[privileged]))


async def test_warnings_are_headers(server: ApiServerProcess, api: RestClient) -> None:
    url = f"https://127.0.0.1:{server.port}/api/v1/namespaces/default/services?dryRun=All"
    service = {"metadata": {"name": "warned"}, "spec": {"ports": [{"port": 80}], "externalName": "a.b"}}
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json=service, ssl=False) as answer:
        assert answer.status == 201
        assert answer.headers.getall("Warning") == [
            '299 - "spec.externalName is ignored when spec.type is not \\"ExternalName\\""'
        ]


async def test_versions_that_will_go_are_warned_of(server: ApiServerProcess, api: RestClient) -> None:
    url = f"https://127.0.0.1:{server.port}/apis/flowcontrol.apiserver.k8s.io/v1beta2/flowschemas"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url, ssl=False) as answer:
        assert answer.headers.getall("Warning") == [
            '299 - "flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema is deprecated in v1.26+, unavailable in v1.29+; '
            'use flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema"'
        ]


async def test_patches_are_warned_of_what_other_writes_are(server: ApiServerProcess, api: RestClient) -> None:
    base = f"https://127.0.0.1:{server.port}"
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/apply-patch+yaml"}
    old = "/apis/flowcontrol.apiserver.k8s.io/v1beta2/flowschemas/exempt?fieldManager=tests&dryRun=All"
    body = "apiVersion: flowcontrol.apiserver.k8s.io/v1beta2\nkind: FlowSchema\nmetadata:\n  name: exempt\n"
    twice = "/api/v1/namespaces/default/configmaps/warned?fieldManager=tests&dryRun=All"
    repeated = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: warned\ndata:\n  a: b\n  a: c\n"
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.patch(base + old, data=body, ssl=False) as answer:
            assert answer.status == 200
            assert "v1beta2 FlowSchema is deprecated" in answer.headers["Warning"]
        async with http.patch(base + twice, data=repeated, ssl=False) as answer:
            assert answer.status == 201
            assert 'key \\"a\\" already set in map' in answer.headers["Warning"]


async def test_finalizers_of_namespaces_are_checked(api: RestClient) -> None:
    made = await api.create(NAMESPACES, {"metadata": {"name": "held"}})
    made["spec"]["finalizers"] = ["kubernetes", "mine"]
    with pytest.raises(Invalid, match=_OWN):
        await api.update(NAMESPACES, made, subresource="finalize")
    made["spec"]["finalizers"] = ["example.com/mine"]
    assert (await api.update(NAMESPACES, made, subresource="finalize"))["spec"] == {"finalizers": ["example.com/mine"]}
    del made["spec"]["finalizers"]
    made["metadata"].pop("resourceVersion")
    kept = await api.update(NAMESPACES, made, subresource="finalize")
    assert (kept["spec"], kept["status"]) == ({}, {"phase": "Active"})


async def test_a_namespace_in_an_object_of_the_whole_cluster_is_forgotten(api: RestClient) -> None:
    role = {"metadata": {"name": "wide", "namespace": "default"}, "rules": []}
    made = await api.create(CLUSTER_ROLES, role)
    assert "namespace" not in made["metadata"]
    patch = {"metadata": {"namespace": "other", "labels": {"a": "b"}}}
    patched = await api.patch(CLUSTER_ROLES, "", "wide", patch, patch_type="merge")
    assert ("namespace" in patched["metadata"], patched["metadata"]["labels"]) == (False, {"a": "b"})
    made = await api.update(CLUSTER_ROLES, {**patched, "metadata": {**patched["metadata"], "namespace": "default"}})
    assert "namespace" not in made["metadata"]


@pytest.mark.parametrize(
    ("resource", "spec", "times"),
    [(CONFIG_MAPS, {}, 3), (REPLICATION_CONTROLLERS, {"replicas": -1}, 3), (NODES, {}, 2), (CLUSTER_ROLES, {}, 2)],
)
async def test_causes_are_told_as_often_as_they_are_found(
    api: RestClient, resource: Resource, spec: Object, times: int
) -> None:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": pod("x")["spec"]}
    name, namespace = f"causes-{resource.plural}", "default" if resource.namespaced else ""
    await api.create(
        resource, {"metadata": {"name": name, "namespace": namespace}, "spec": {"template": template} if spec else {}}
    )
    patch = {"metadata": {"labels": {"a b": "c"}}, **({"spec": spec} if spec else {})}
    with pytest.raises(Invalid) as refused:
        await api.patch(resource, namespace, name, patch, patch_type="merge")
    found = [cause["field"] for cause in (refused.value.details or {})["causes"]]
    assert found.count("metadata.labels") == times
    assert found.count("spec.replicas") == (2 if spec else 0)
