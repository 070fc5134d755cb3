"""Plugins that fill things in."""

from __future__ import annotations

import pytest

from api.resources import (
    INGRESS_CLASSES,
    LIMIT_RANGES,
    NAMESPACES,
    PRIORITY_CLASSES,
    RUNTIME_CLASSES,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
)
from apimachinery.errors import Forbidden, NotFound
from apimachinery.objects import Object
from apiserver.admission.base import Setting
from apiserver.admission.ingress import DefaultIngressClass
from apiserver.admission.limitranger import LimitRanger
from apiserver.admission.namespaces import NamespaceAutoProvision, NamespaceExists, NamespaceLifecycle
from apiserver.admission.priority import Priority
from apiserver.admission.runtimeclass import RuntimeClass
from apiserver.admission.serviceaccount import ServiceAccount
from apiserver.admission.storage import DefaultStorageClass, StorageObjectInUseProtection
from apiserver.admission.tolerations import DefaultTolerationSeconds, ExtendedResourceToleration
from tests.unit.apiserver.objects import MemoryLoopback, attributes, made, pod

CREATE = attributes("create", "pods", namespace="default", name="web")
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


async def test_namespace_lifecycle(api: MemoryLoopback, setting: Setting) -> None:
    plugin = NamespaceLifecycle(setting)
    with pytest.raises(NotFound, match='namespaces "default" not found'):
        await plugin.admit(CREATE, pod(), None)
    api.put(NAMESPACES, made("Namespace", "default"))
    await plugin.admit(CREATE, pod(), None)
    api.put(NAMESPACES, made("Namespace", "default", status={"phase": "Terminating"}))
    with pytest.raises(Forbidden, match="because it is being terminated") as raised:
        await plugin.admit(CREATE, pod(), None)
    assert raised.value.status()["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await plugin.admit(attributes("update", "pods", namespace="default"), pod(), pod())
    for name in ("default", "kube-system"):
        with pytest.raises(Forbidden, match="this namespace may not be deleted"):
            await plugin.admit(attributes("delete", "namespaces", name=name, namespace=name), None, None)


async def test_namespace_exists_and_auto_provision(api: MemoryLoopback, setting: Setting) -> None:
    with pytest.raises(NotFound):
        await NamespaceExists(setting).validate(CREATE, pod(), None)
    await NamespaceAutoProvision(setting).admit(CREATE, pod(), None)
    assert api.get(NAMESPACES, "", "default") is not None
    assert await NamespaceExists(setting).validate(CREATE, pod(), None) == []


async def test_a_missing_service_account_is_told(setting: Setting) -> None:
    with pytest.raises(Forbidden) as raised:
        await ServiceAccount(setting).admit(CREATE, pod(), None)
    assert raised.value.message == (
        'pods "web" is forbidden: error looking up service account default/default: serviceaccount "default" not found'
    )


@pytest.mark.parametrize(
    ("account", "spec", "mounted"),
    [
        ({}, {}, True),
        ({"automountServiceAccountToken": False}, {}, False),
        ({"automountServiceAccountToken": False}, {"automountServiceAccountToken": True}, True),
        ({}, {"automountServiceAccountToken": False}, False),
        ({}, {"containers": [{"name": "c", "volumeMounts": [{"name": "own", "mountPath": _TOKEN}]}]}, False),
    ],
)
async def test_the_token_is_mounted(
    api: MemoryLoopback, setting: Setting, account: Object, spec: Object, mounted: bool
) -> None:
    api.put(SERVICE_ACCOUNTS, made("ServiceAccount", "default", "default", **account))
    subject = pod(**spec)
    await ServiceAccount(setting).admit(CREATE, subject, None)
    assert subject["spec"]["serviceAccountName"] == "default"
    volumes = subject["spec"].get("volumes") or []
    assert [volume["name"].startswith("kube-api-access-") for volume in volumes] == [True] * mounted
    if mounted:
        mount = subject["spec"]["containers"][0]["volumeMounts"][-1]
        assert mount == {"name": volumes[0]["name"], "readOnly": True, "mountPath": _TOKEN}


async def test_pull_secrets_come_from_the_account(api: MemoryLoopback, setting: Setting) -> None:
    api.put(SERVICE_ACCOUNTS, made("ServiceAccount", "default", "default", imagePullSecrets=[{"name": "p"}]))
    subject = pod()
    await ServiceAccount(setting).admit(CREATE, subject, None)
    assert subject["spec"]["imagePullSecrets"] == [{"name": "p"}]


async def test_priority(api: MemoryLoopback, setting: Setting) -> None:
    plugin = Priority(setting)
    plain = pod()
    await plugin.admit(CREATE, plain, None)
    assert (plain["spec"]["priority"], plain["spec"]["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    with pytest.raises(Forbidden, match="no PriorityClass with name high was found"):
        await plugin.admit(CREATE, pod(priorityClassName="high"), None)
    api.put(PRIORITY_CLASSES, made("PriorityClass", "high", value=7, preemptionPolicy="Never"))
    api.put(PRIORITY_CLASSES, made("PriorityClass", "usual", value=3, globalDefault=True))
    high, usual = pod(priorityClassName="high"), pod()
    await plugin.admit(CREATE, high, None)
    await plugin.admit(CREATE, usual, None)
    assert (high["spec"]["priority"], high["spec"]["preemptionPolicy"]) == (7, "Never")
    assert (usual["spec"]["priority"], usual["spec"]["priorityClassName"]) == (3, "usual")
    with pytest.raises(Forbidden, match="must not be provided in pod spec"):
        await plugin.admit(CREATE, pod(priority=9, priorityClassName="high"), None)
    second = made("PriorityClass", "another", globalDefault=True)
    asked = attributes("create", "priorityclasses", group="scheduling.k8s.io", name="another")
    with pytest.raises(Forbidden, match="already marked as default"):
        await plugin.validate(asked, second, None)


@pytest.mark.parametrize(
    ("given", "added"),
    [
        ([], ["not-ready", "unreachable"]),
        ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}], ["unreachable"]),
        ([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}], ["not-ready", "unreachable"]),
        ([{"operator": "Exists"}], []),
    ],
)
async def test_default_tolerations(setting: Setting, given: list[Object], added: list[str]) -> None:
    subject = pod(tolerations=given)
    await DefaultTolerationSeconds(setting).admit(CREATE, subject, None)
    new = subject["spec"]["tolerations"][len(given) :]
    assert [item["key"].partition("/")[2] for item in new] == added
    assert all(item["tolerationSeconds"] == 300 for item in new)


async def test_extended_resources(setting: Setting) -> None:
    requests = {"cpu": "1", "example.com/gpu": "1", "hugepages-2Mi": "1", "requests.example.com/x": "1"}
    subject = pod(containers=[{"name": "c", "resources": {"requests": requests}}])
    for _ in range(2):
        await ExtendedResourceToleration(setting).admit(CREATE, subject, None)
    assert subject["spec"]["tolerations"] == [{"key": "example.com/gpu", "operator": "Exists"}]


async def test_limit_ranges(api: MemoryLoopback, setting: Setting) -> None:
    limit = {
        "type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "100m", "memory": "1Mi"},
        "max": {"cpu": "1"}, "min": {"memory": "1Mi"}, "maxLimitRequestRatio": {"cpu": "10"},
    }  # fmt: skip
    api.put(LIMIT_RANGES, made("LimitRange", "l", "default", spec={"limits": [limit]}))
    plugin, subject = LimitRanger(setting), pod()
    await plugin.admit(CREATE, subject, None)
    resources = subject["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m", "memory": "1Mi"}}
    assert subject["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": (
            "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c"
        )
    }
    assert await plugin.validate(CREATE, subject, None) == []
    for section, values, problem in (
        ("limits", {"cpu": "2"}, "maximum cpu usage per Container is 1, but limit is 2"),
        ("requests", {"cpu": "1m", "memory": "1Mi"}, "but provided ratio is 500.0"),
        ("requests", {"cpu": "100m", "memory": "1Ki"}, "minimum memory usage per Container is 1Mi, but request is 1Ki"),
    ):
        bad = pod(containers=[{"name": "c", "resources": {**resources, section: values}}])
        with pytest.raises(Forbidden) as raised:
            await plugin.validate(CREATE, bad, None)
        assert problem in raised.value.message


async def test_runtime_class(api: MemoryLoopback, setting: Setting) -> None:
    plugin = RuntimeClass(setting)
    with pytest.raises(Forbidden, match='RuntimeClass "kata" not found'):
        await plugin.admit(CREATE, pod(runtimeClassName="kata"), None)
    scheduling = {"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata"}]}
    api.put(RUNTIME_CLASSES, made("RuntimeClass", "kata", overhead={"podFixed": {"cpu": "1"}}, scheduling=scheduling))
    subject = pod(runtimeClassName="kata", nodeSelector={"a": "b"})
    await plugin.admit(CREATE, subject, None)
    assert subject["spec"]["overhead"] == {"cpu": "1"}
    assert subject["spec"]["nodeSelector"] == {"a": "b", "kata": "yes"}
    assert subject["spec"]["tolerations"] == [{"key": "kata"}]
    with pytest.raises(Forbidden, match="conflict"):
        await plugin.admit(CREATE, pod(runtimeClassName="kata", nodeSelector={"kata": "no"}), None)
    with pytest.raises(Forbidden, match="Overhead set without"):
        await plugin.validate(CREATE, pod(overhead={"cpu": "1"}), None)


async def test_default_classes_are_the_newest_marked_ones(api: MemoryLoopback, setting: Setting) -> None:
    for name, stamp in (("old", "2001-01-01T00:00:00Z"), ("new", "2002-01-01T00:00:00Z"), ("newest", None)):
        mark = {"storageclass.kubernetes.io/is-default-class": "true"} if stamp else {}
        metadata: Object = {"annotations": mark, "creationTimestamp": stamp or "2003-01-01T00:00:00Z"}
        api.put(STORAGE_CLASSES, made("StorageClass", name, metadata=metadata))
    asked = attributes("create", "persistentvolumeclaims", namespace="default")
    for given, wanted in ((None, "new"), ("", ""), ("mine", "mine")):
        claim = made("PersistentVolumeClaim", "c", "default", spec={"storageClassName": given})
        await DefaultStorageClass(setting).admit(asked, claim, None)
        assert claim["spec"]["storageClassName"] == wanted
        await StorageObjectInUseProtection(setting).admit(asked, claim, None)
        assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    marked = {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    api.put(INGRESS_CLASSES, made("IngressClass", "nginx", metadata=marked))
    ingress = made("Ingress", "i", "default", spec={})
    await DefaultIngressClass(setting).admit(attributes("create", "ingresses"), ingress, None)
    assert ingress["spec"] == {"ingressClassName": "nginx"}
