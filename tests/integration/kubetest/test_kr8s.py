"""kr8s: create, list, watch, patch, delete."""

from __future__ import annotations

import asyncio

import kr8s.asyncio
from kr8s.asyncio.objects import APIObject, ConfigMap, Deployment

from kubetest import ApiServer


async def test_a_config_maps_life(fresh_kube_api: ApiServer) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(fresh_kube_api.kubeconfig))
    wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "default"}}
    config_map = await ConfigMap(wanted, api=api)
    await config_map.create()
    await config_map.patch({"data": {"a": "1"}})
    assert config_map.raw["data"] == {"a": "1"}
    await config_map.label(tier="front")
    found = api.get("configmaps", namespace="default", label_selector="tier=front")
    assert [item.name async for item in found if isinstance(item, APIObject)] == ["m"]

    async with asyncio.timeout(20):
        async for kind, item in api.watch("configmaps", namespace="default"):
            if item.name == "m" and kind == "ADDED":
                await item.delete()
            elif item.name == "m":
                assert kind == "DELETED"
                break
    assert not await config_map.exists()


async def test_a_deployment_is_scaled(fresh_kube_api: ApiServer) -> None:
    api = await kr8s.asyncio.api(kubeconfig=str(fresh_kube_api.kubeconfig))
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "w"}}, "template": template}
    metadata = {"name": "w", "namespace": "default"}
    deployment = await Deployment(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}, api=api
    )
    await deployment.create()
    await deployment.patch({"spec": {"replicas": 4}}, subresource="scale")
    await deployment.refresh()
    assert deployment.replicas == 4
