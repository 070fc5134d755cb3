"""Custom resources through the client libraries, each in its own way; and the official client's leader election."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import new_class
from kubernetes import client, config, dynamic
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes_asyncio import client as asyncio_client
from kubernetes_asyncio import config as asyncio_config
from lightkube import ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import PatchType

from kubetest import ApiServer
from tests.integration.kubetest.lamps import GROUP, PLURAL, VERSION, define, lamp


@pytest.fixture
def api_client(fresh_kube_api: ApiServer) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(fresh_kube_api.kubeconfig)) as made:
        define(made)
        yield made


def test_the_dynamic_client(api_client: client.ApiClient) -> None:
    lamps = dynamic.DynamicClient(api_client).resources.get(api_version=f"{GROUP}/{VERSION}", kind="Lamp")
    made = lamps.create(body=lamp("desk"), namespace="default")
    assert made.spec.bulbs == 1
    lamps.patch(
        name="desk", namespace="default", body={"spec": {"bulbs": 2}}, content_type="application/merge-patch+json"
    )
    told = lamps.status.patch(
        name="desk", namespace="default", body={"status": {"lit": "red"}}, content_type="application/merge-patch+json"
    )
    assert told.status.lit == "red"
    lamps.delete(name="desk", namespace="default")
    version, seen = made.metadata.resourceVersion, []
    for event in lamps.watch(namespace="default", resource_version=version, timeout=20):
        seen.append((event["type"], event["object"].spec.bulbs, event["object"].metadata.generation))
        if event["type"] == "DELETED":
            break
    assert seen == [("MODIFIED", 2, 2), ("MODIFIED", 2, 2), ("DELETED", 2, 2)]
    with pytest.raises(dynamic.exceptions.UnprocessibleEntityError) as refused:
        lamps.create(body=lamp("dark", color="none"), namespace="default")
    assert "no color, no bulbs" in refused.value.body


def test_the_scale_of_a_custom_resource(api_client: client.ApiClient) -> None:
    lamps = client.CustomObjectsApi(api_client)
    lamps.create_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, lamp("desk"))
    scale = lamps.patch_namespaced_custom_object_scale(
        GROUP, VERSION, "default", PLURAL, "desk", {"spec": {"replicas": 4}}
    )
    assert scale["spec"] == {"replicas": 4}
    assert lamps.get_namespaced_custom_object(GROUP, VERSION, "default", PLURAL, "desk")["spec"]["bulbs"] == 4


async def test_kubernetes_asyncio(fresh_kube_api: ApiServer, api_client: client.ApiClient) -> None:
    settings = asyncio_client.Configuration()
    await asyncio_config.load_kube_config(str(fresh_kube_api.kubeconfig), client_configuration=settings)
    async with asyncio_client.ApiClient(settings) as open_client:
        lamps = asyncio_client.CustomObjectsApi(open_client)
        where = (GROUP, VERSION, "default", PLURAL)
        await lamps.create_namespaced_custom_object(*where, lamp("desk"))
        listed = await lamps.list_namespaced_custom_object(*where)
        assert [item["spec"] for item in listed["items"]] == [{"color": "red", "bulbs": 1}]
        assert (listed["kind"], listed["apiVersion"]) == ("LampList", f"{GROUP}/{VERSION}")
        await lamps.delete_namespaced_custom_object(*where, "desk")


async def test_kr8s(fresh_kube_api: ApiServer, api_client: client.ApiClient) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(fresh_kube_api.kubeconfig))
    kind: Any = new_class(kind="Lamp", version=f"{GROUP}/{VERSION}", namespaced=True, plural=PLURAL)
    desk = await kind(lamp("desk"), api=api)
    await desk.create()
    await desk.patch({"spec": {"color": "blue"}})
    await desk.patch({"status": {"lit": "blue"}}, subresource="status")
    await desk.refresh()
    assert (desk.spec.color, desk.status.lit) == ("blue", "blue")
    async with asyncio.timeout(20):
        await desk.delete()
        await desk.wait("delete")
    assert not await desk.exists()


def test_lightkube(fresh_kube_api: ApiServer, api_client: client.ApiClient) -> None:
    lamps: Any = create_namespaced_resource(GROUP, VERSION, "Lamp", PLURAL)
    lightkube_client = Client(config=KubeConfig.from_file(fresh_kube_api.kubeconfig), field_manager="tests")
    applied = lightkube_client.apply(lamps(lamp("desk")))
    assert applied["spec"] == {"color": "red", "bulbs": 1}
    assert [item["metadata"]["name"] for item in lightkube_client.list(lamps, namespace="default")] == ["desk"]
    with pytest.raises(ApiError) as refused:
        lightkube_client.patch(lamps, "desk", {"spec": {"bulbs": -1}}, namespace="default", patch_type=PatchType.MERGE)
    assert "should be greater than or equal to 0" in str(refused.value)


def candidate(name: str) -> leaderelection.LeaderElection:
    settings = electionconfig.Config(
        ConfigMapLock("lock", "default", name),
        lease_duration=2,
        renew_deadline=1.5,
        retry_period=1.1,
        onstarted_leading=lambda: None,
        onstopped_leading=None,
    )
    return leaderelection.LeaderElection(settings)


def test_leader_election(fresh_kube_api: ApiServer) -> None:
    config.load_kube_config(str(fresh_kube_api.kubeconfig))
    first, second = candidate("first"), candidate("second")
    assert first.acquire()
    assert not second.try_acquire_or_renew()
    assert first.try_acquire_or_renew()
    assert second.acquire()  # returns once the lease of the first, who renews it no more, is over
    assert not first.try_acquire_or_renew()
    with config.new_client_from_config(str(fresh_kube_api.kubeconfig)) as open_client:
        found = client.CoreV1Api(open_client).read_namespaced_config_map("lock", "default")
    assert '"second"' in found.metadata.annotations["control-plane.alpha.kubernetes.io/leader"]
