"""The node authorizer: what the pods of a node refer to, and nothing else."""

from __future__ import annotations

import pytest

from api.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from apiserver.authz import chain
from tests.unit.apiserver.objects import MemoryLoopback, attributes, made, pod

_CONTAINER = {
    "name": "c",
    "envFrom": [{"secretRef": {"name": "s-envfrom"}}],
    "env": [{"name": "E", "valueFrom": {"configMapKeyRef": {"name": "c-env", "key": "k"}}}],
}
_VOLUMES = [
    {"name": "1", "secret": {"secretName": "s-volume"}},
    {"name": "2", "projected": {"sources": [{"configMap": {"name": "c-projected"}}]}},
    {"name": "3", "persistentVolumeClaim": {"claimName": "claim"}},
    {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
]


@pytest.fixture
def api() -> MemoryLoopback:
    secret = {"name": "s-csi", "namespace": "b"}
    mirror = {"annotations": {"kubernetes.io/config.mirror": "x"}}
    volume = {
        "claimRef": {"namespace": "a", "name": "claim"},
        "csi": {"nodeStageSecretRef": secret},
    }
    return MemoryLoopback([
        (PODS, pod("web", "a", nodeName="n1", serviceAccountName="sa", containers=[_CONTAINER], volumes=_VOLUMES,
                   imagePullSecrets=[{"name": "s-pull"}])),
        (PODS, pod("other", "a", nodeName="n2", volumes=[{"name": "v", "secret": {"secretName": "s-other"}}])),
        (PODS, pod("mirror", "a", nodeName="n1", metadata=mirror,
                   volumes=[{"name": "v", "secret": {"secretName": "s-mirror"}}])),
        (PERSISTENT_VOLUME_CLAIMS, made("PersistentVolumeClaim", "claim", "a", spec={"volumeName": "pv"})),
        (PERSISTENT_VOLUMES, made("PersistentVolume", "pv", spec=volume)),
        (PERSISTENT_VOLUMES, made("PersistentVolume", "free", spec={})),
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("question", "allowed"),
    [
        ("get secrets a s-envfrom", True),
        ("get secrets a s-volume", True),
        ("watch secrets a s-pull", True),
        ("get secrets b s-csi", True),
        ("get secrets a s-other", False),
        ("get secrets a s-mirror", False),
        ("get secrets b s-volume", False),
        ("get secrets a s-vol", False),
        ("list secrets a -", False),
        ("delete secrets a s-volume", False),
        ("get configmaps a c-env", True),
        ("get configmaps a c-projected", True),
        ("get configmaps a s-volume", False),
        ("get persistentvolumeclaims a claim", True),
        ("get persistentvolumeclaims a web-scratch", True),
        ("get persistentvolumeclaims a web-other", False),
        ("patch persistentvolumeclaims/status a claim", True),
        ("get persistentvolumes - pv", True),
        ("get persistentvolumes - free", False),
        ("create serviceaccounts/token a sa", True),
        ("create serviceaccounts/token a default", False),
        ("create serviceaccounts/token b sa", False),
        ("get serviceaccounts a sa", False),
        ("update leases.coordination.k8s.io kube-node-lease n1", True),
        ("update leases.coordination.k8s.io kube-node-lease n2", False),
        ("update leases.coordination.k8s.io kube-system n1", False),
        ("create leases.coordination.k8s.io kube-node-lease -", True),
        ("update csinodes.storage.k8s.io - n1", True),
        ("list pods - -", True),
        ("patch nodes/status - n1", True),
        ("delete nodes - n1", False),
        ("create deployments.apps a x", False),
    ],
)
async def test_a_node(api: MemoryLoopback, question: str, allowed: bool) -> None:
    verb, what, namespace, name = (part.strip("-") if part == "-" else part for part in question.split())
    resource, _, group = what.partition(".")
    resource, _, subresource = resource.partition("/")
    asked = attributes(
        verb, resource, group=group, namespace=namespace, name=name, subresource=subresource, user="system:node:n1",
        groups=("system:nodes",),
    )  # fmt: skip
    assert await chain(["Node"], api).allows(asked) is allowed


@pytest.mark.parametrize(
    ("user", "groups"),
    [("system:node:n1", ()), ("n1", ("system:nodes",)), ("system:node:", ("system:nodes",)), ("amy", ())],
)
async def test_nobody_else(api: MemoryLoopback, user: str, groups: tuple[str, ...]) -> None:
    asked = attributes("get", "secrets", namespace="a", name="s-volume", user=user, groups=groups)
    assert not await chain(["Node"], api).allows(asked)
