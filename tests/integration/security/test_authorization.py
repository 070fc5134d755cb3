"""Who may do what, on a real API server: roles, escalation, impersonation, service accounts, nodes."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from api.resources import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    LEASES,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from apimachinery.errors import Forbidden, Unauthorized
from apimachinery.meta import Resource
from apimachinery.objects import Object
from client.rest import RestClient
from tests.apiserver_process import NODE_TOKEN, USER_TOKEN, ApiServerProcess


def made(resource: Resource, name: str, namespace: str = "default", **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if resource.namespaced else {})}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}


def rule(verbs: str, resources: str, group: str = "") -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}


def reference(kind: str, name: str) -> Object:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}


EVE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "eve"}
CONTAINER = {"containers": [{"name": "c", "image": "i"}]}


async def grant(admin: RestClient, name: str, *rules: Object) -> None:
    await admin.create(CLUSTER_ROLES, made(CLUSTER_ROLES, name, rules=list(rules)))
    binding = made(CLUSTER_ROLE_BINDINGS, name, roleRef=reference("ClusterRole", name), subjects=[EVE])
    await admin.create(CLUSTER_ROLE_BINDINGS, binding)


async def test_a_grant_works_from_the_moment_it_is_answered(server: ApiServerProcess, admin: RestClient) -> None:
    async with server.client(USER_TOKEN) as eve:
        with pytest.raises(Forbidden) as raised:
            await eve.list(CONFIG_MAPS, "default")
        assert raised.value.message == (
            'configmaps is forbidden: User "eve" cannot list resource "configmaps" in API group "" in the namespace '
            '"default"'
        )
        await admin.create(ROLES, made(ROLES, "r", rules=[rule("list", "configmaps")]))
        await admin.create(ROLE_BINDINGS, made(ROLE_BINDINGS, "r", roleRef=reference("Role", "r"), subjects=[EVE]))
        await eve.list(CONFIG_MAPS, "default")
        with pytest.raises(Forbidden):
            await eve.list(CONFIG_MAPS, "kube-system")
        await admin.delete(ROLE_BINDINGS, "default", "r")
        with pytest.raises(Forbidden):
            await eve.list(CONFIG_MAPS, "default")


async def test_nobody_grants_more_than_they_have(server: ApiServerProcess, admin: RestClient) -> None:
    verbs = "create update patch get"
    await grant(admin, "eves", rule("get", "pods"), rule(verbs, "roles rolebindings", "rbac.authorization.k8s.io"))
    async with server.client(USER_TOKEN) as eve:
        await eve.create(ROLES, made(ROLES, "weak", rules=[rule("get", "pods")]))
        with pytest.raises(Forbidden, match="attempting to grant RBAC permissions not currently held"):
            await eve.create(ROLES, made(ROLES, "strong", rules=[rule("get", "secrets")]))
        with pytest.raises(Forbidden, match="attempting to grant"):
            body = {"rules": [rule("*", "*", "*")]}
            await eve.patch(ROLES, "default", "weak", body, patch_type="merge")
        bound = made(ROLE_BINDINGS, "b", roleRef=reference("ClusterRole", "cluster-admin"), subjects=[EVE])
        with pytest.raises(Forbidden, match="attempting to grant"):
            await eve.create(ROLE_BINDINGS, bound)


async def test_impersonation_has_to_be_permitted(server: ApiServerProcess, admin: RestClient) -> None:
    headers = {"Impersonate-User": "system:admin", "Impersonate-Group": "system:masters"}
    async with server.client(USER_TOKEN) as eve:
        status, body = await eve.raw("GET", "/api/v1/nodes", headers=headers)
        assert status == 403
        assert b'cannot impersonate resource \\"users\\"' in body
    status, body = await admin.raw("GET", "/api/v1/nodes", headers={"Impersonate-User": "eve"})
    assert status == 403
    assert b'User \\"eve\\" cannot list' in body
    status, body = await admin.raw("GET", "/api/v1/nodes", headers={"Impersonate-Group": "nobody"})
    assert status == 500
    assert b"without impersonating a user" in body


async def test_service_account_tokens_end_with_what_they_are_bound_to(
    server: ApiServerProcess, admin: RestClient
) -> None:
    await admin.create(SERVICE_ACCOUNTS, made(SERVICE_ACCOUNTS, "sa"))
    await admin.create(PODS, made(PODS, "web", spec={**CONTAINER, "serviceAccountName": "sa"}))
    bound = {"kind": "Pod", "apiVersion": "v1", "name": "web"}
    request = {
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"boundObjectRef": bound, "expirationSeconds": 600},
    }  # fmt: skip
    answered = await admin.create(SERVICE_ACCOUNTS, request, namespace="default", name="sa", subresource="token")
    async with server.client(answered["status"]["token"]) as account:
        with pytest.raises(Forbidden, match="system:serviceaccount:default:sa"):
            await account.list(CONFIG_MAPS, "default")
        await admin.delete(PODS, "default", "web", grace_period_seconds=0)
    # What was known for ten seconds stays known that long: ask by a server that has not seen the token.
    await server.stop()
    await server.start()
    async with server.client(answered["status"]["token"]) as account:
        with pytest.raises(Unauthorized):
            await account.list(CONFIG_MAPS, "default")


async def test_a_node_sees_and_writes_its_own(server: ApiServerProcess, admin: RestClient) -> None:
    await admin.create(SERVICE_ACCOUNTS, made(SERVICE_ACCOUNTS, "default"))
    for name in ("mine", "its"):
        await admin.create(SECRETS, made(SECRETS, name))
        volumes = [{"name": "v", "secret": {"secretName": name}}]
        node = "n1" if name == "mine" else "n2"
        await admin.create(PODS, made(PODS, name, spec={**CONTAINER, "volumes": volumes, "nodeName": node}))
    async with server.client(NODE_TOKEN) as node_client:
        await node_client.create(NODES, made(NODES, "n1"))
        await node_client.create(LEASES, made(LEASES, "n1", "kube-node-lease", spec={"holderIdentity": "n1"}))
        assert (await node_client.get(SECRETS, "default", "mine"))["metadata"]["name"] == "mine"
        running = {"status": {"phase": "Running"}}
        await node_client.patch(PODS, "default", "mine", running, patch_type="strategic", subresource="status")
        for attempt in (
            node_client.get(SECRETS, "default", "its"),
            node_client.list(SECRETS, "default"),
            node_client.create(NODES, made(NODES, "n2")),
            node_client.patch(PODS, "default", "its", running, patch_type="strategic", subresource="status"),
            node_client.delete(PODS, "default", "its"),
            node_client.patch(NODES, "", "n1", {"spec": {"taints": []}}, patch_type="merge"),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_a_quota_is_exact_under_concurrent_creates(admin: RestClient) -> None:
    hard = {"count/configmaps": "7"}
    quota = await admin.create(RESOURCE_QUOTAS, made(RESOURCE_QUOTAS, "q", spec={"hard": hard}))
    quota["status"] = {"hard": hard, "used": {"count/configmaps": "0"}}
    await admin.update(RESOURCE_QUOTAS, quota, subresource="status")
    results = await asyncio.gather(
        *(admin.create(CONFIG_MAPS, made(CONFIG_MAPS, f"c{number}")) for number in range(30)), return_exceptions=True
    )
    assert sum(isinstance(result, dict) for result in results) == 7
    refused = [result for result in results if isinstance(result, Forbidden)]
    assert len(refused) == 23
    assert "exceeded quota: q" in refused[0].message
    stored = await admin.get(RESOURCE_QUOTAS, "default", "q")
    assert stored["status"]["used"] == {"count/configmaps": "7"}


async def test_what_a_fresh_server_says_of_itself(server: ApiServerProcess, admin: RestClient) -> None:
    async with server.client("no such token") as stranger:
        status, _ = await stranger.raw("GET", "/version")
        assert status == 401
    status, body = await admin.raw("GET", "/openid/v1/jwks")
    assert status == 200
    assert orjson.loads(body)["keys"][0]["alg"] == "RS256"
    endpoints = orjson.loads((await admin.raw("GET", "/api/v1/namespaces/default/endpoints/kubernetes"))[1])
    assert endpoints["subsets"][0]["ports"] == [{"name": "https", "port": server.port, "protocol": "TCP"}]


async def test_an_update_or_apply_that_creates_needs_the_permission_to_create(
    server: ApiServerProcess, admin: RestClient
) -> None:
    await grant(admin, "updater", rule("get update patch", "leases", "coordination.k8s.io"))
    lease = made(LEASES, "mine", spec={"holderIdentity": "eve"})
    async with server.client(USER_TOKEN) as eve:
        with pytest.raises(Forbidden, match="cannot create resource"):
            await eve.update(LEASES, lease)
        with pytest.raises(Forbidden, match="cannot create resource"):
            await eve.patch(LEASES, "default", "mine", lease, patch_type="apply", params={"fieldManager": "eve"})
        await eve.update(LEASES, await admin.create(LEASES, lease))
        await eve.patch(LEASES, "default", "mine", lease, patch_type="apply", params={"fieldManager": "eve"})
