"""The rules of a pod's spec as a whole, of pods and of pod templates; the parts are in the modules beside this one.

Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.core.pod.affinity import validate_affinity, validate_spread_constraints, validate_tolerations
from api.core.pod.annotations import validate_pod_annotations, validate_seccomp_agreement
from api.core.pod.containers import (
    validate_containers,
    validate_ephemeral_containers,
    validate_host_network_ports,
    validate_image_whitespace,
    validate_init_containers,
)
from api.core.pod.security import validate_operating_system, validate_pod_security
from api.core.pod.volumes import Volumes, validate_volumes
from api.core.resourcenames import validate_requirements
from api.gosyntax import raw, string_list
from api.validation import names
from api.validation.objectmeta import validate_annotations, validate_labels
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
_MAX_INT32 = 2**31 - 1
_USER_NAMESPACE_VOLUMES = ("emptyDir", "secret", "downwardAPI", "configMap", "projected")


def validate_pod_spec(spec: dict[str, Any], path: str, pod_name: str | None = None) -> list[FieldError]:
    """Every rule broken by a spec; `pod_name` is None in a template."""
    errors: list[FieldError] = []
    volumes: Volumes = {}
    if listed := spec.get("volumes"):
        volumes = validate_volumes(listed, pod_name, f"{path}.volumes", errors)
    claims: frozenset[str] = frozenset()
    if used := spec.get("resourceClaims"):
        claims = _validate_resource_claims(used, f"{path}.resourceClaims", errors)
    containers = spec.get("containers") or ()
    validate_containers(containers, volumes, claims, f"{path}.containers", errors)
    if init := spec.get("initContainers"):
        validate_init_containers(init, containers, volumes, claims, f"{path}.initContainers", errors)
    if ephemeral := spec.get("ephemeralContainers"):
        validate_ephemeral_containers(ephemeral, spec, volumes, f"{path}.ephemeralContainers", errors)
    if spec.get("hostNetwork"):
        validate_host_network_ports(containers, f"{path}.containers", errors, in_template=pod_name is None)
    _validate_choice(spec.get("restartPolicy"), _RESTART_POLICIES, f"{path}.restartPolicy", errors)
    _validate_choice(spec.get("dnsPolicy"), _DNS_POLICIES, f"{path}.dnsPolicy", errors)
    if selector := spec.get("nodeSelector"):
        errors += validate_labels(selector, f"{path}.nodeSelector")
    validate_pod_security(spec, path, errors)
    if affinity := spec.get("affinity"):
        validate_affinity(affinity, f"{path}.affinity", errors)
    _validate_dns(spec.get("dnsConfig"), spec.get("dnsPolicy"), f"{path}.dnsConfig", errors)
    if "readinessGates" in spec or "schedulingGates" in spec:
        _validate_gates(spec, path, errors)
    if constraints := spec.get("topologySpreadConstraints"):
        validate_spread_constraints(constraints, f"{path}.topologySpreadConstraints", errors)
    if spec.get("hostUsers") is False:
        _validate_host_users(spec, path, errors)
    _validate_references(spec, path, errors)
    if tolerations := spec.get("tolerations"):
        validate_tolerations(tolerations, f"{path}.tolerations", errors)
    for alias in spec.get("hostAliases") or ():
        _validate_host_alias(alias, f"{path}.hostAliases", errors)
    _validate_class_names(spec, path, errors)
    if overhead := spec.get("overhead"):
        errors += validate_requirements({"limits": overhead}, f"{path}.overhead")
    if "os" in spec:
        validate_operating_system(spec, path, errors)
    return errors


def validate_pod_meta_and_spec(pod: dict[str, Any]) -> list[FieldError]:
    """What holds for a pod whenever it is created or replaced."""
    meta, spec = pod["metadata"], pod.get("spec") or {}
    errors: list[FieldError] = []
    if annotations := meta.get("annotations"):
        errors += validate_pod_annotations(annotations, spec, "metadata.annotations")
    errors += validate_pod_spec(spec, "spec", meta.get("name") or "")
    if not spec.get("serviceAccountName"):
        _validate_no_tokens(spec, errors)
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            validate_image_whitespace(container, f"spec.{kind}[{index}]", errors)
    return errors


def validate_pod_template(template: dict[str, Any], path: str) -> list[FieldError]:
    """The template of a workload."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors: list[FieldError] = []
    if labels := meta.get("labels"):
        errors += validate_labels(labels, f"{path}.labels")
    if annotations := meta.get("annotations"):
        errors += validate_annotations(annotations, f"{path}.annotations")
        errors += validate_pod_annotations(annotations, spec, f"{path}.annotations")
    errors += validate_pod_spec(spec, f"{path}.spec")
    errors += validate_seccomp_agreement(meta.get("annotations") or {}, spec, f"{path}.spec")
    if spec.get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        errors.append(fe.forbidden(f"{path}.spec.ephemeralContainers", text))
    return errors


def _validate_choice(value: str | None, allowed: tuple[str, ...], path: str, errors: list[FieldError]) -> None:
    if value not in allowed:
        errors.append(fe.not_supported(path, value, allowed) if value else fe.required(path))


def _validate_name(value: str | None, rule: names.NameRule, path: str, errors: list[FieldError]) -> None:
    if value:
        errors.extend(fe.invalid(path, value, text) for text in rule(value, False))


def _validate_references(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    _validate_name(spec.get("serviceAccountName"), names.dns1123_subdomain, f"{path}.serviceAccountName", errors)
    _validate_name(spec.get("nodeName"), names.dns1123_subdomain, f"{path}.nodeName", errors)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _MAX_INT32:
        text = names.inclusive_range(1, _MAX_INT32)
        errors.append(fe.invalid(f"{path}.activeDeadlineSeconds", deadline, text))
    _validate_name(spec.get("hostname"), names.dns1123_label, f"{path}.hostname", errors)
    _validate_name(spec.get("subdomain"), names.dns1123_label, f"{path}.subdomain", errors)


def _validate_class_names(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    _validate_name(spec.get("priorityClassName"), names.dns1123_subdomain, f"{path}.priorityClassName", errors)
    runtime = spec.get("runtimeClassName")
    if runtime is not None:
        field = f"{path}.runtimeClassName"
        errors.extend(fe.invalid(field, runtime, text) for text in names.dns1123_subdomain(runtime))
    if "preemptionPolicy" in spec:
        field = f"{path}.preemptionPolicy"
        _validate_choice(spec["preemptionPolicy"], _PREEMPTION_POLICIES, field, errors)


def _validate_gates(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        kind, field = gate.get("conditionType") or "", f"{path}.readinessGates[{index}].conditionType"
        errors.extend(fe.invalid(field, kind, text) for text in names.qualified_name(kind))
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or ()):
        name, field = gate.get("name") or "", f"{path}.schedulingGates[{index}]"
        errors.extend(fe.invalid(field, name, text) for text in names.qualified_name(name))
        if name in seen:
            errors.append(fe.duplicate(field, name))
        seen.add(name)


def _validate_dns(config: dict[str, Any] | None, policy: str | None, path: str, errors: list[FieldError]) -> None:
    if config is None:
        if policy == "None":
            errors.append(fe.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
        return
    servers: Sequence[str] = config.get("nameservers") or ()
    if policy == "None" and not servers:
        text = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        errors.append(fe.required(f"{path}.nameservers", text))
        return
    if len(servers) > 3:
        errors.append(
            fe.invalid(f"{path}.nameservers", raw(string_list(servers)), "must not have more than 3 nameservers")
        )
    for index, server in enumerate(servers):
        if names.parse_ip(server) is None:
            errors.append(fe.invalid(f"{path}.nameservers[{index}]", server, "must be valid IP address"))
    searches: Sequence[str] = config.get("searches") or ()
    if len(searches) > 32:
        errors.append(
            fe.invalid(f"{path}.searches", raw(string_list(searches)), "must not have more than 32 search paths")
        )
    if len(" ".join(searches)) > 2048:
        text = "must not have more than 2048 characters (including spaces) in the search list"
        errors.append(fe.invalid(f"{path}.searches", raw(string_list(searches)), text))
    for index, search in enumerate(searches):
        domain, field = search.removesuffix("."), f"{path}.searches[{index}]"
        errors.extend(fe.invalid(field, domain, text) for text in names.dns1123_subdomain(domain))
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            errors.append(fe.required(f"{path}.options[{index}]", "must not be empty"))


def _validate_host_alias(alias: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    address = alias.get("ip") or ""
    if names.parse_ip(address) is None:
        errors.append(fe.invalid(f"{path}.ip", address, "must be valid IP address"))
    for name in alias.get("hostnames") or ():
        errors.extend(fe.invalid(f"{path}.hostnames", name, text) for text in names.dns1123_subdomain(name))


def _validate_host_users(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A pod with a user name space of its own can use only simple volumes and no name space of the host."""
    for index, volume in enumerate(spec.get("volumes") or ()):
        if not any(kind in volume for kind in _USER_NAMESPACE_VOLUMES):
            text = "volume type not supported when `pod.Spec.HostUsers` is false"
            errors.append(fe.forbidden(f"{path}.volumes[{index}]", text))
    for field, shown in (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            errors.append(fe.forbidden(f"{path}.{shown}", "when `pod.Spec.HostUsers` is false"))


def _validate_no_tokens(spec: dict[str, Any], errors: list[FieldError]) -> None:
    for i, volume in enumerate(spec.get("volumes") or ()):
        for j, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if "serviceAccountToken" in source:
                field = f"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken"
                errors.append(fe.forbidden(field, "must not be specified when serviceAccountName is not set"))


def _validate_resource_claims(used: Sequence[Mapping[str, Any]], path: str, errors: list[FieldError]) -> frozenset[str]:
    seen: set[str] = set()
    for index, claim in enumerate(used):
        here, name, source = f"{path}[{index}]", claim.get("name") or "", claim.get("source") or {}
        if not name:
            errors.append(fe.required(f"{here}.name"))
        elif name in seen:
            errors.append(fe.duplicate(f"{here}.name", name))
        else:
            errors.extend(fe.invalid(f"{here}.name", name, text) for text in names.dns1123_label(name))
        seen.add(name)
        given = [field for field in ("resourceClaimName", "resourceClaimTemplateName") if field in source]
        if len(given) > 1:
            text = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.append(fe.invalid(f"{here}.source", source, text))
        if not given:
            text = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.append(fe.invalid(f"{here}.source", source, text))
        for field in given:
            _validate_name(source[field], names.dns1123_subdomain, f"{here}.source.{field}", errors)
    return frozenset(seen - {""})
