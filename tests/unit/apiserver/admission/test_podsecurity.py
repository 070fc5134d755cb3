"""The Pod Security Standards."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from api.resources import NAMESPACES
from apimachinery.errors import Forbidden, Invalid
from apimachinery.objects import Object
from apiserver.admission.base import Setting
from apiserver.admission.podsecurity.metrics import shown_version
from apiserver.admission.podsecurity.plugin import PodSecurity, evaluate
from tests.unit.apiserver.objects import MemoryLoopback, attributes, made, pod

_GOOD = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def with_context(**context: object) -> Object:
    return pod(containers=[{"name": "c", "securityContext": context}])


def good(**context: object) -> Object:
    return with_context(**{**_GOOD, **context})


@pytest.mark.parametrize(
    ("subject", "texts"),
    [
        (pod(), []),
        (pod(hostPID=True, hostIPC=True), ["host namespaces (hostPID=true, hostIPC=true)"]),
        (with_context(privileged=True), ['privileged (container "c" must not set securityContext.privileged=true)']),
        (
            pod(containers=[{"name": "a", "ports": [{"hostPort": 80}]}, {"name": "b", "ports": [{"hostPort": 9}]}]),
            ['hostPort (containers "a", "b" use hostPorts 80, 9)'],
        ),
        (
            with_context(capabilities={"add": ["CHOWN", "SYS_ADMIN"]}),
            [
                'non-default capabilities (container "c" must not include "SYS_ADMIN" in '
                "securityContext.capabilities.add)"
            ],
        ),
        (
            pod(volumes=[{"name": "h", "hostPath": {"path": "/"}}, {"name": "e", "emptyDir": {}}]),
            ['hostPath volumes (volume "h")'],
        ),
        (
            pod(securityContext={"seccompProfile": {"type": "Unconfined"}, "sysctls": [{"name": "kernel.msgmax"}]}),
            [
                'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
                "forbidden sysctls (kernel.msgmax)",
            ],
        ),
        (
            with_context(procMount="Unmasked"),
            ['procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
        ),
    ],
)  # fmt: skip
def test_baseline(subject: Object, texts: list[str]) -> None:
    assert list(map(str, evaluate("baseline", subject))) == texts
    assert evaluate("privileged", subject) == []


@pytest.mark.parametrize(
    ("subject", "reasons"),
    [
        (good(), []),
        (
            pod(),
            [
                "allowPrivilegeEscalation != false", "unrestricted capabilities", "runAsNonRoot != true",
                "seccompProfile",
            ],
        ),
        (good(runAsUser=0), ["runAsUser=0"]),
        (good(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}), []),
        (good(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}), ["unrestricted capabilities"]),
        (good(runAsNonRoot=False), ["runAsNonRoot != true"]),
        (good(privileged=True), ["privileged"]),
        (
            {**good(), "spec": {**good()["spec"], "volumes": [{"name": "n", "nfs": {"server": "s"}}]}},
            ["restricted volume types"],
        ),
    ],
)  # fmt: skip
def test_restricted(subject: Object, reasons: list[str]) -> None:
    assert [item.reason for item in evaluate("restricted", subject)] == reasons


def namespace(api: MemoryLoopback, **labels: str) -> None:
    prefixed = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    api.put(NAMESPACES, made("Namespace", "default", metadata={"labels": prefixed}))


async def test_enforcing_and_warning(api: MemoryLoopback, setting: Setting) -> None:
    plugin = PodSecurity(setting)
    create = attributes("create", "pods", namespace="default", name="web")
    namespace(api, enforce="baseline", enforce_version="v1.28", warn="restricted")
    with pytest.raises(Forbidden, match=r'violates PodSecurity "baseline:v1\.28": host namespaces'):
        await plugin.validate(create, pod(hostNetwork=True), None)
    warnings = await plugin.validate(create, pod(), None)
    assert len(warnings) == 1
    assert warnings[0].startswith('would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false')
    deployment = made("Deployment", "d", "default", spec={"template": pod(hostNetwork=True)})
    asked = attributes("create", "deployments", group="apps", namespace="default", name="d")
    assert len(await plugin.validate(asked, deployment, None)) == 1
    update = attributes("update", "pods", namespace="default", name="web")
    running = pod(hostNetwork=True)
    assert await plugin.validate(update, running, running) == []


async def test_labels_of_namespaces(setting: Setting) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "lax", "pod-security.kubernetes.io/warn-version": "1.28"}
    bad = made("Namespace", "default", metadata={"labels": labels})
    asked = attributes("update", "namespaces", namespace="default", name="default")
    with pytest.raises(Invalid, match="must be one of privileged, baseline, restricted"):
        await PodSecurity(setting).validate(asked, bad, made("Namespace", "default"))
    assert await PodSecurity(setting).validate(asked, bad, bad) == []


@pytest.mark.parametrize(
    ("version", "shown"),
    [("latest", "latest"), ("v1.28", "latest"), ("v1.27", "v1.27"), ("v1.29", "future"), ("v1.9999", "future")],
)
def test_versions_in_metrics_are_few(version: str, shown: str) -> None:
    assert shown_version(version, 28) == shown


async def test_evaluations_are_counted_by_mode_and_decision(api: MemoryLoopback, setting: Setting) -> None:
    namespace(api, enforce="baseline", warn="restricted")
    labels = {"request_operation": "create", "resource": "pod", "subresource": "", "policy_version": "latest"}

    def counted(mode: str, level: str, decision: str) -> float:
        wanted = {**labels, "mode": mode, "policy_level": level, "decision": decision}
        return REGISTRY.get_sample_value("pod_security_evaluations_total", wanted) or 0.0

    before = counted("enforce", "baseline", "allow"), counted("warn", "restricted", "deny")
    plugin = PodSecurity(setting)
    await plugin.validate(attributes("create", "pods", namespace="default"), pod(), None)
    assert (counted("enforce", "baseline", "allow"), counted("warn", "restricted", "deny")) == (
        before[0] + 1, before[1] + 1,
    )  # fmt: skip
    refused = counted("enforce", "baseline", "deny")
    with pytest.raises(Forbidden):
        await plugin.validate(attributes("create", "pods", namespace="default"), pod(hostPID=True), None)
    assert counted("enforce", "baseline", "deny") == refused + 1
