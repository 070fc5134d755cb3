"""kubernetes-asyncio: create, list, watch, patch, delete."""

from __future__ import annotations

from kubernetes_asyncio import client, config, watch

from kubetest import ApiServer


async def test_a_config_maps_life(fresh_kube_api: ApiServer) -> None:
    settings = client.Configuration()
    await config.load_kube_config(str(fresh_kube_api.kubeconfig), client_configuration=settings)
    async with client.ApiClient(settings) as api_client:
        core = client.CoreV1Api(api_client)
        made = await core.create_namespaced_config_map("default", {"metadata": {"name": "m"}, "data": {"a": "1"}})
        patched = await core.patch_namespaced_config_map("m", "default", {"data": {"b": "2"}})
        assert patched.data == {"a": "1", "b": "2"}
        listed = await core.list_namespaced_config_map("default", field_selector="metadata.name=m")
        assert [item.metadata.name for item in listed.items] == ["m"]
        await core.delete_namespaced_config_map("m", "default")
        seen = []
        async with watch.Watch() as watching:
            version = made.metadata.resource_version
            stream = watching.stream(
                core.list_namespaced_config_map,
                "default",
                resource_version=version,
                field_selector="metadata.name=m",
                timeout_seconds=20,
            )
            async for event in stream:
                seen.append(event["type"])
                if event["type"] == "DELETED":
                    break
        assert seen == ["MODIFIED", "DELETED"]
