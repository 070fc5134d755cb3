"""Plugins that refuse."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, NODES, PODS, RESOURCE_QUOTAS, STORAGE_CLASSES
from apimachinery.errors import ApiError, Forbidden, NotFound
from apimachinery.objects import Object
from apiserver.admission.base import Setting
from apiserver.admission.certificates import CertificateApproval
from apiserver.admission.escalation import RBACEscalation
from apiserver.admission.noderestriction import NodeRestriction
from apiserver.admission.ownerreferences import OwnerReferencesPermissionEnforcement
from apiserver.admission.podrules import SecurityContextDeny
from apiserver.admission.resourcequota import ResourceQuota
from apiserver.admission.storage import PersistentVolumeClaimResize
from apiserver.authz import chain
from tests.unit.apiserver.objects import MemoryLoopback, attributes, made, pod

_RBAC = "rbac.authorization.k8s.io"


def quota(name: str = "q", *, used: dict[str, str], hard: dict[str, str], **spec: object) -> Object:
    return made("ResourceQuota", name, "default", spec={"hard": hard, **spec}, status={"hard": hard, "used": used})


CREATE = attributes("create", "pods", namespace="default", name="web")


async def test_quota_is_exact_under_concurrent_creates(api: MemoryLoopback, setting: Setting) -> None:
    api.put(RESOURCE_QUOTAS, quota(hard={"pods": "5"}, used={"pods": "0"}))
    # Two API servers: each has locks of its own and meets the other only in the store.
    servers = [ResourceQuota(setting), ResourceQuota(setting)]
    results = await asyncio.gather(
        *(servers[number % 2].validate(CREATE, pod(f"p{number}"), None) for number in range(20)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, Forbidden)]
    assert len(refused) == 15
    assert "exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5" in refused[0].message
    stored = api.get(RESOURCE_QUOTAS, "default", "q")
    assert stored is not None
    assert stored["status"]["used"] == {"pods": "5"}


async def test_quota_counts_what_a_pod_asks_for_and_wants_it_said(api: MemoryLoopback, setting: Setting) -> None:
    api.put(RESOURCE_QUOTAS, quota(hard={"requests.cpu": "1"}, used={"requests.cpu": "700m"}))
    plugin = ResourceQuota(setting)
    with pytest.raises(Forbidden, match=r"failed quota: q: must specify requests\.cpu for: c"):
        await plugin.validate(CREATE, pod(), None)
    asking = [{"name": "c", "resources": {"requests": {"cpu": "200m"}}}]
    await plugin.validate(CREATE, pod(containers=asking), None)
    with pytest.raises(Forbidden) as raised:
        await plugin.validate(CREATE, pod(containers=asking), None)
    assert "requested: requests.cpu=200m, used: requests.cpu=900m, limited: requests.cpu=1" in raised.value.message


async def test_quota_dry_runs_charge_nothing_and_unknown_status_refuses(api: MemoryLoopback, setting: Setting) -> None:
    api.put(RESOURCE_QUOTAS, quota(hard={"pods": "1"}, used={"pods": "0"}))
    plugin = ResourceQuota(setting)
    for _ in range(3):
        await plugin.validate(replace(CREATE, dry_run=True), pod(), None)
    api.put(RESOURCE_QUOTAS, quota("new", hard={"pods": "1"}, used={}))
    with pytest.raises(Forbidden, match="status unknown for quota: new, resources: pods"):
        await plugin.validate(CREATE, pod(), None)


@pytest.mark.parametrize(
    ("scopes", "subject", "charged"),
    [
        (["BestEffort"], pod(), True),
        (["NotBestEffort"], pod(), False),
        (["Terminating"], pod(activeDeadlineSeconds=5), True),
        (["NotTerminating", "BestEffort"], pod(activeDeadlineSeconds=5), False),
    ],
)
async def test_quota_scopes(
    api: MemoryLoopback, setting: Setting, scopes: list[str], subject: Object, charged: bool
) -> None:
    api.put(RESOURCE_QUOTAS, quota(hard={"pods": "0"}, used={"pods": "0"}, scopes=scopes))
    if charged:
        with pytest.raises(Forbidden):
            await ResourceQuota(setting).validate(CREATE, subject, None)
    else:
        await ResourceQuota(setting).validate(CREATE, subject, None)


def rule(verbs: str, resources: str, group: str = "") -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}


def eve_may(*rules: Object) -> RBACEscalation:
    reference = {"kind": "ClusterRole", "name": "eves"}
    bound = made("ClusterRoleBinding", "b", roleRef=reference, subjects=[{"kind": "User", "name": "eve"}])
    strong = made("ClusterRole", "strong", rules=[rule("*", "*", "*")])
    api = MemoryLoopback([
        (CLUSTER_ROLES, made("ClusterRole", "eves", rules=list(rules))), (CLUSTER_ROLES, strong),
        (CLUSTER_ROLE_BINDINGS, bound),
    ])  # fmt: skip
    return RBACEscalation(chain(["RBAC"], api))


async def test_nobody_grants_what_they_do_not_have() -> None:
    asked = attributes("create", "roles", group=_RBAC, namespace="a", name="r", user="eve", groups=["devs"])
    role = made("Role", "r", "a", rules=[rule("get list", "pods secrets")])
    await eve_may(rule("get list watch", "*")).admit(asked, role, None)
    await eve_may(rule("escalate", "roles", _RBAC)).admit(asked, role, None)
    with pytest.raises(Forbidden) as raised:
        await eve_may(rule("get", "pods secrets"), rule("list", "pods")).admit(asked, role, None)
    assert raised.value.message == (
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "eve" (groups=["devs"]) is attempting to grant RBAC '
        'permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["list"]}'
    )
    await eve_may().admit(replace(asked, verb="update"), role, role)


async def test_nobody_binds_what_they_do_not_have() -> None:
    asked = attributes("create", "clusterrolebindings", group=_RBAC, name="x", user="eve")

    def binding(role: str) -> Object:
        return made("ClusterRoleBinding", "x", roleRef={"kind": "ClusterRole", "name": role})

    with pytest.raises(Forbidden, match="attempting to grant RBAC permissions"):
        await eve_may(rule("get", "pods")).admit(asked, binding("strong"), None)
    await eve_may(rule("get", "pods")).admit(asked, binding("eves"), None)
    await eve_may(rule("bind", "clusterroles", _RBAC)).admit(asked, binding("strong"), None)
    with pytest.raises(NotFound, match=r'clusterroles\.rbac\.authorization\.k8s\.io "absent" not found'):
        await eve_may().admit(asked, binding("absent"), None)


def by_node(verb: str, resource: str, subresource: str = "", name: str = "web", group: str = "") -> dict[str, Any]:
    return {"verb": verb, "resource": resource, "subresource": subresource, "name": name, "group": group}


_LABELLED = made("Node", "n1", metadata={"labels": {"kubernetes.io/hostname": "n1", "own": "x"}})
_OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "uid-n1", "controller": True}
_MIRROR = {"annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [_OWNER]}


def mirror(**owner: Any) -> dict[str, Any]:
    return {**_MIRROR, "ownerReferences": [{**_OWNER, **owner}]}


def claim_status(size: str, **spec: Any) -> Object:
    return made("PersistentVolumeClaim", "c", spec=spec, status={"capacity": {"storage": size}})


@pytest.mark.parametrize(
    ("request_", "obj", "old", "allowed"),
    [
        (by_node("create", "pods"), pod(nodeName="n1"), None, False),
        (by_node("create", "pods"), pod(nodeName="n1", metadata=_MIRROR), None, True),
        (by_node("create", "pods"), pod(nodeName="n2", metadata=_MIRROR), None, False),
        (by_node("create", "pods"), pod(nodeName="n1", metadata={**_MIRROR, "ownerReferences": []}), None, False),
        (by_node("create", "pods"), pod(nodeName="n1", metadata=mirror(uid="other")), None, False),
        (by_node("create", "pods"), pod(nodeName="n1", metadata=mirror(controller=False)), None, False),
        (by_node("create", "pods"), pod(nodeName="n1", metadata=mirror(blockOwnerDeletion=True)), None, False),
        (
            by_node("create", "pods"),
            pod(nodeName="n1", metadata=_MIRROR, imagePullSecrets=[{"name": "s"}]),
            None,
            False,
        ),
        (by_node("patch", "persistentvolumeclaims", "status", "c"), claim_status("2Gi"), claim_status("1Gi"), True),
        (
            by_node("patch", "persistentvolumeclaims", "status", "c"),
            claim_status("2Gi", volumeName="v"),
            claim_status("1Gi"),
            False,
        ),
        (by_node("patch", "persistentvolumeclaims", "", "c"), claim_status("1Gi"), claim_status("1Gi"), False),
        (by_node("delete", "pods"), None, pod(nodeName="n1"), True),
        (by_node("delete", "pods"), None, pod(nodeName="n2"), False),
        (by_node("update", "pods"), pod(nodeName="n1"), pod(nodeName="n1"), False),
        (by_node("patch", "pods", "status"), pod(nodeName="n1"), pod(nodeName="n1"), True),
        (by_node("patch", "pods", "status"), pod(nodeName="n1"), pod(nodeName="n2"), False),
        (by_node("create", "nodes", name="n1"), _LABELLED, None, True),
        (by_node("create", "nodes", name="n2"), made("Node", "n2"), None, False),
        (by_node("patch", "nodes", "status", "n1"), made("Node", "n1"), made("Node", "n1"), True),
        (by_node("patch", "nodes", "", "n1"), made("Node", "n1", spec={"taints": [{}]}), made("Node", "n1"), False),
        (
            by_node("patch", "nodes", "", "n1"),
            made("Node", "n1", metadata={"labels": {"node-role.kubernetes.io/control-plane": ""}}),
            made("Node", "n1"),
            False,
        ),
        (
            by_node("patch", "nodes", "", "n1"),
            made("Node", "n1", metadata={"labels": {"x.node-restriction.kubernetes.io/a": ""}}),
            made("Node", "n1"),
            False,
        ),
        (by_node("update", "leases", "", "n1", "coordination.k8s.io"), made("Lease", "n1"), None, True),
        (by_node("update", "leases", "", "n2", "coordination.k8s.io"), made("Lease", "n2"), None, False),
        (by_node("create", "serviceaccounts", "token", "sa"), {"spec": {}}, None, False),
        (
            by_node("create", "serviceaccounts", "token", "sa"),
            {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "mine", "uid": "uid-mine"}}},
            None,
            True,
        ),
        (
            by_node("create", "serviceaccounts", "token", "sa"),
            {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "its", "uid": "uid-its"}}},
            None,
            False,
        ),
    ],
)
async def test_a_node_writes_its_own_alone(
    api: MemoryLoopback,
    setting: Setting,
    request_: dict[str, Any],
    obj: Object | None,
    old: Object | None,
    allowed: bool,
) -> None:
    api.put(PODS, pod("mine", nodeName="n1"))
    api.put(PODS, pod("its", nodeName="n2"))
    api.put(NODES, made("Node", "n1"))
    plugin = NodeRestriction(setting)
    asked = attributes(**request_, namespace="default", user="system:node:n1", groups=["system:nodes"])
    assert plugin.handles(asked)
    if allowed:
        await plugin.admit(asked, obj, old)
    else:
        with pytest.raises(Forbidden):
            await plugin.admit(asked, obj, old)
    await plugin.admit(attributes(**request_, namespace="default", user="amy"), obj, old)


async def test_claims_grow_only_where_their_class_lets_them(api: MemoryLoopback, setting: Setting) -> None:
    def claim(size: str, phase: str = "Bound") -> Object:
        spec = {"storageClassName": "fast", "resources": {"requests": {"storage": size}}}
        return made("PersistentVolumeClaim", "c", "default", spec=spec, status={"phase": phase})

    plugin = PersistentVolumeClaimResize(setting)
    asked = attributes("update", "persistentvolumeclaims", namespace="default", name="c")
    api.put(STORAGE_CLASSES, made("StorageClass", "fast"))
    await plugin.validate(asked, claim("1Gi"), claim("1Gi"))
    with pytest.raises(Forbidden, match="must support resize"):
        await plugin.validate(asked, claim("2Gi"), claim("1Gi"))
    api.put(STORAGE_CLASSES, made("StorageClass", "fast", allowVolumeExpansion=True))
    await plugin.validate(asked, claim("2Gi"), claim("1Gi"))
    with pytest.raises(Forbidden, match="Only bound"):
        await plugin.validate(asked, claim("2Gi"), claim("1Gi", "Pending"))


async def test_security_context_deny(setting: Setting) -> None:
    with pytest.raises(Forbidden, match=r"pod\.Spec\.SecurityContext\.RunAsUser is forbidden"):
        await SecurityContextDeny(setting).validate(CREATE, pod(securityContext={"runAsUser": 1}), None)
    container = {"name": "c", "securityContext": {"runAsUser": 0}}
    with pytest.raises(Forbidden, match=r"SecurityContext\.RunAsUser is forbidden"):
        await SecurityContextDeny(setting).validate(CREATE, pod(containers=[container]), None)


async def test_approval_needs_the_signer(setting: Setting, api: MemoryLoopback) -> None:
    role = made(
        "ClusterRole", "r", rules=[{**rule("approve", "signers", "certificates.k8s.io"), "resourceNames": ["a.io/*"]}]
    )
    api.put(CLUSTER_ROLES, role)
    reference = {"kind": "ClusterRole", "name": "r"}
    bound = made("ClusterRoleBinding", "b", roleRef=reference, subjects=[{"kind": "User", "name": "amy"}])
    api.put(CLUSTER_ROLE_BINDINGS, bound)
    plugin = CertificateApproval(replace(setting, authorizer=chain(["RBAC"], api)))
    asked = attributes("update", "certificatesigningrequests", group="certificates.k8s.io", subresource="approval",
                       user="amy")  # fmt: skip
    for signer, allowed in (("a.io/x", True), ("a.iox/x", False), ("b.io/x", False)):
        request = made("CertificateSigningRequest", "c", spec={"signerName": signer})
        try:
            await plugin.validate(asked, request, request)
        except ApiError as error:
            assert not allowed
            assert f'user not permitted to approve requests with signerName "{signer}"' in error.message
        else:
            assert allowed


async def test_owners_are_named_by_those_who_may(setting: Setting, api: MemoryLoopback) -> None:
    api.put(CLUSTER_ROLES, made("ClusterRole", "r", rules=[rule("update", "deployments/finalizers", "apps")]))
    reference = {"kind": "ClusterRole", "name": "r"}
    bound = made("ClusterRoleBinding", "b", roleRef=reference, subjects=[{"kind": "User", "name": "amy"}])
    api.put(CLUSTER_ROLE_BINDINGS, bound)
    plugin = OwnerReferencesPermissionEnforcement(replace(setting, authorizer=chain(["RBAC"], api)))

    def owned(kind: str, *, blocking: bool = True) -> Object:
        owner = {"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "1", "blockOwnerDeletion": blocking}
        return pod(metadata={"ownerReferences": [owner]})

    asked = replace(CREATE, user=replace(CREATE.user, name="amy"))
    await plugin.validate(asked, owned("Deployment"), None)
    await plugin.validate(asked, owned("DaemonSet", blocking=False), None)
    with pytest.raises(Forbidden, match="can't set finalizers on"):
        await plugin.validate(asked, owned("DaemonSet"), None)
    with pytest.raises(Forbidden, match="can't delete"):
        await plugin.validate(replace(asked, verb="update"), owned("Deployment"), pod())
    await plugin.validate(replace(asked, verb="update"), owned("DaemonSet"), owned("DaemonSet"))
