"""What a client is warned of in a pod or a pod template: deprecated fields, and settings surely not meant.

Pure (k8s.io/kubernetes/pkg/api/pod/warnings.go)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.core.fractions import claim_fraction_warnings, container_fraction_warnings, overhead_fraction_warnings
from api.core.pod.affinity import PREFERRED, REQUIRED
from api.core.pod.annotations import SECCOMP_CONTAINER, SECCOMP_POD, each_container
from api.core.pod.portwarnings import port_warnings
from api.validation import names
from api.validation.nodelabels import key_warnings, selector_warnings, term_warnings
from apimachinery import fielderrors as fe
from apimachinery.objects import Object, name_of

#: Kind of volume, the name its field has in warnings, what is said of it.
_OLD_VOLUMES = (
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
)
_OLD_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_OLD_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_HOST_NAME = (
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
    "a DNS label is recommended: "
)


def pod_warnings(pod: Object) -> list[str]:
    """Warnings for a new pod."""
    problems = names.dns1123_label(name_of(pod))
    found = [f"{_HOST_NAME}[{' '.join(problems)}]"] if problems else []
    return found + _warnings(pod.get("metadata") or {}, pod.get("spec") or {}, "")


def template_warnings(template: Mapping[str, Any], path: str) -> list[str]:
    """Warnings for a pod template at `path`."""
    return _warnings(template.get("metadata") or {}, template.get("spec") or {}, f"{path}.")


def _warnings(meta: Mapping[str, Any], spec: Mapping[str, Any], prefix: str) -> list[str]:
    path, notes = f"{prefix}spec", meta.get("annotations") or {}
    found = _placement(spec, path)
    if notes:
        old = ((key, text) for key, text in _OLD_ANNOTATIONS.items() if key in notes)
        found += [f"{prefix}metadata.annotations[{key}]: {text}" for key, text in old]
    for index, volume in enumerate(spec.get("volumes") or ()):
        found += _volume(volume, f"{path}.volumes[{index}]")
    if aliases := spec.get("hostAliases"):
        found += _host_aliases(aliases, f"{path}.hostAliases")
    if secrets := spec.get("imagePullSecrets"):
        found += _pull_secrets(secrets, f"{path}.imagePullSecrets")
    if overhead := spec.get("overhead"):
        found += overhead_fraction_warnings(overhead, f"{path}.overhead")
    found += _seccomp(spec, notes, SECCOMP_POD, prefix)
    for container, here in each_container(spec, path):
        if notes:
            found += _seccomp(container, notes, SECCOMP_CONTAINER + (container.get("name") or ""), prefix)
        found += container_fraction_warnings(container, here)
        if variables := container.get("env"):
            found += _environment(variables, f"{here}.env")
    found += port_warnings(spec, path)
    period = spec.get("terminationGracePeriodSeconds")
    if period is not None and period < 0:
        text = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{path}.terminationGracePeriodSeconds: {text}")
    if affinity := spec.get("affinity"):
        found += _pod_affinity(affinity, f"{path}.affinity")
    return found


def _placement(spec: Mapping[str, Any], path: str) -> list[str]:
    found: list[str] = []
    if selector := spec.get("nodeSelector"):
        found += selector_warnings(selector, f"{path}.nodeSelector")
    if affinity := (spec.get("affinity") or {}).get("nodeAffinity"):
        found += _node_affinity(affinity, f"{path}.affinity.nodeAffinity")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        here = f"{path}.topologySpreadConstraints[{index}]"
        found += key_warnings(constraint.get("topologyKey") or "", f"{here}.topologyKey")
        if "labelSelector" not in constraint:
            found.append(f"{here}.labelSelector: {_NO_SELECTOR}")
    return found


def _node_affinity(affinity: Mapping[str, Any], path: str) -> list[str]:
    found = []
    for index, term in enumerate((affinity.get(REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        found += term_warnings(term, f"{path}.{REQUIRED}.nodeSelectorTerms[{index}]")
    for index, term in enumerate(affinity.get(PREFERRED) or ()):
        found += term_warnings(term.get("preference") or {}, f"{path}.{PREFERRED}[{index}].preference")
    return found


def _pod_affinity(affinity: Mapping[str, Any], path: str) -> list[str]:
    found = []
    for kind in ("podAffinity", "podAntiAffinity"):
        rules, here = affinity.get(kind) or {}, f"{path}.{kind}"
        terms = [(term, f"{here}.{REQUIRED}[{i}]") for i, term in enumerate(rules.get(REQUIRED) or ())]
        terms += [
            (weighted.get("podAffinityTerm") or {}, f"{here}.{PREFERRED}[{i}].podAffinityTerm")
            for i, weighted in enumerate(rules.get(PREFERRED) or ())
        ]
        found += [f"{field}.labelSelector: {_NO_SELECTOR}" for term, field in terms if "labelSelector" not in term]
    return found


def _volume(volume: Mapping[str, Any], path: str) -> list[str]:
    found = [f"{path}.{shown}: {text}" for kind, shown, text in _OLD_VOLUMES if kind in volume]
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template is not None:
        found += claim_fraction_warnings(template.get("spec") or {}, f"{path}.ephemeral.volumeClaimTemplate.spec")
    return found


def _host_aliases(aliases: Sequence[Mapping[str, Any]], path: str) -> list[str]:
    found = []
    seen: set[str] = set()
    for index, alias in enumerate(aliases):
        address = alias.get("ip") or ""
        if address in seen:
            found.append(f"{path}[{index}].ip: duplicate ip {fe.go_quote(address)}")
        seen.add(address)
    return found


def _pull_secrets(secrets: Sequence[Mapping[str, Any]], path: str) -> list[str]:
    """Those that come twice, then those without a name, which may have been told of already."""
    listed = [secret.get("name") or "" for secret in secrets]
    found = [
        f"{path}[{index}].name: duplicate name {fe.go_quote(name)}"
        for index, name in enumerate(listed)
        if name in listed[:index]
    ]
    return found + [
        f"{path}[{index}].name: invalid empty name {fe.go_quote(name)}" for index, name in enumerate(listed) if not name
    ]


def _seccomp(owner: Mapping[str, Any], annotations: Mapping[str, str], key: str, prefix: str) -> list[str]:
    """The annotation of a pod or container that has not the field beside it."""
    if key not in annotations or (owner.get("securityContext") or {}).get("seccompProfile") is not None:
        return []
    return [f"{prefix}metadata.annotations[{key}]: {_OLD_SECCOMP}"]


def _environment(variables: Sequence[Mapping[str, Any]], path: str) -> list[str]:
    """Variables defined again, unless to append to what they were."""
    found = []
    seen: set[str] = set()
    for index, variable in enumerate(variables):
        name = variable.get("name") or ""
        if name in seen and not _appends(variable, f"$({name})"):
            found.append(f"{path}[{index}]: hides previous definition of {fe.go_quote(name)}")
        seen.add(name)
    return found


def _appends(variable: Mapping[str, Any], reference: str) -> bool:
    value = variable.get("value") or ""
    return "valueFrom" not in variable and reference in value and value != reference
