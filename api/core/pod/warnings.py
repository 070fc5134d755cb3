"""What a client is warned of in a pod or a pod template: deprecated fields, and settings surely not meant.

Pure (k8s.io/kubernetes/pkg/api/pod/warnings.go)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.core.pod.annotations import SECCOMP_CONTAINER, SECCOMP_POD, each_container
from apimachinery import quantity
from apimachinery.objects import Object

_OLD_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_OLD_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
}
_OLD_ANNOTATIONS = {
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
}


def pod_warnings(pod: Object) -> list[str]:
    """Warnings for a pod."""
    return _warnings(pod.get("metadata") or {}, pod.get("spec") or {}, "")


def template_warnings(template: Mapping[str, Any], path: str) -> list[str]:
    """Warnings for a pod template at `path`."""
    return _warnings(template.get("metadata") or {}, template.get("spec") or {}, f"{path}.")


def _warnings(meta: Mapping[str, Any], spec: Mapping[str, Any], prefix: str) -> list[str]:
    found: list[str] = []
    path = f"{prefix}spec"
    for key in spec.get("nodeSelector") or {}:
        if text := _OLD_NODE_LABELS.get(key):
            found.append(f"{path}.nodeSelector[{key}]: {text}")
    for key in meta.get("annotations") or {}:
        if text := _OLD_ANNOTATIONS.get(key):
            found.append(f"{prefix}metadata.annotations[{key}]: {text}")
        elif key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            text = 'non-functional in v1.27+; use the "seccompProfile" field instead'
            found.append(f"{prefix}metadata.annotations[{key}]: {text}")
    for index, volume in enumerate(spec.get("volumes") or ()):
        found.extend(f"{path}.volumes[{index}].{kind}: {text}" for kind, text in _OLD_VOLUMES.items() if kind in volume)
    _check_duplicates(spec, path, found)
    for container, here in each_container(spec, path):
        _check_container(container, here, found)
    period = spec.get("terminationGracePeriodSeconds")
    if period is not None and period < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{path}.terminationGracePeriodSeconds: {text}")
    return found


def _check_duplicates(spec: Mapping[str, Any], path: str, found: list[str]) -> None:
    addresses: set[str] = set()
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        address = alias.get("ip") or ""
        if address in addresses:
            found.append(f"{path}.hostAliases[{index}].ip: duplicate ip {_quoted(address)}")
        addresses.add(address)
    secrets: set[str] = set()
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        name = secret.get("name") or ""
        if not name:
            found.append(f"{path}.imagePullSecrets[{index}].name: invalid empty name {_quoted(name)}")
        elif name in secrets:
            found.append(f"{path}.imagePullSecrets[{index}].name: duplicate name {_quoted(name)}")
        secrets.add(name)


def _check_container(container: Mapping[str, Any], path: str, found: list[str]) -> None:
    resources = container.get("resources") or {}
    for kind in ("limits", "requests"):
        for name in ("memory", "ephemeral-storage"):
            text = (resources.get(kind) or {}).get(name)
            if text and text.endswith("m") and quantity.parse(text).milli_value() % 1000:
                value = _quoted(str(quantity.parse(text)))
                found.append(
                    f"{path}.resources.{kind}[{name}]: fractional byte value {value} is invalid, must be an integer"
                )
    names: set[str] = set()
    for index, variable in enumerate(container.get("env") or ()):
        name = variable.get("name") or ""
        if name in names:
            found.append(f"{path}.env[{index}].name: duplicate name {_quoted(name)}")
        names.add(name)


def _quoted(text: str) -> str:
    return f'"{text}"'
