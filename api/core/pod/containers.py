"""Rules for containers: regular ones, init containers and ephemeral ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.core.pod.env import validate_env, validate_env_from
from api.core.pod.probes import validate_container_probes
from api.core.pod.security import validate_security_context
from api.core.pod.volumes import Volumes, validate_devices, validate_mounts
from api.core.resourcenames import validate_requirements
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

PROTOCOLS = ("SCTP", "TCP", "UDP")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_NOT_INIT = "may not be set for init containers without restartPolicy=Always"
_NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
_REFUSED_EPHEMERAL = ("ports", "resources", "resizePolicy", "restartPolicy", *_PROBES, "lifecycle")

Containers = Sequence[dict[str, Any]]


def validate_containers(
    containers: Containers, volumes: Volumes, claims: frozenset[str], path: str, errors: list[FieldError]
) -> None:
    """The regular containers: at least one, with unique names and host ports."""
    if not containers:
        errors.append(fe.required(path))
        return
    seen: set[str] = set()
    for index, container in enumerate(containers):
        here = f"{path}[{index}]"
        _validate_common(container, volumes, claims, here, errors)
        name = container.get("name") or ""
        if name in seen:
            errors.append(fe.duplicate(f"{here}.name", name))
        seen.add(name)
        validate_container_probes(container, here, errors)
        if "restartPolicy" in container:
            errors.append(fe.forbidden(f"{here}.restartPolicy", "may not be set for non-init containers"))
    _validate_host_ports(containers, path, errors)


def validate_init_containers(
    containers: Containers,
    regular: Containers,
    volumes: Volumes,
    claims: frozenset[str],
    path: str,
    errors: list[FieldError],
) -> None:
    """Init containers: names unique beside the regular ones; hooks and probes only where they keep running."""
    seen = {container.get("name") or "" for container in regular}
    for index, container in enumerate(containers):
        here = f"{path}[{index}]"
        _validate_common(container, volumes, claims, here, errors)
        policy = container.get("restartPolicy")
        if policy is not None and policy != "Always":
            errors.append(fe.not_supported(f"{here}.restartPolicy", policy, ("Always",)))
        name = container.get("name") or ""
        if name in seen:
            errors.append(fe.duplicate(f"{here}.name", name))
        elif name:
            seen.add(name)
        _validate_host_ports((container,), path, errors)
        if policy == "Always":
            validate_container_probes(container, here, errors)
        else:
            for field in ("lifecycle", *_PROBES):
                if field in container:
                    errors.append(fe.forbidden(f"{here}.{field}", _NOT_INIT))
        if container.get("resizePolicy"):
            text = "must not be set for init containers"
            errors.append(fe.invalid(f"{here}.resizePolicy", container["resizePolicy"], text))


def validate_ephemeral_containers(
    containers: Containers, spec: dict[str, Any], volumes: Volumes, path: str, errors: list[FieldError]
) -> None:
    """Ephemeral containers: unique names, an existing target, and nothing that would outlive a look around."""
    others = {
        container.get("name") or "" for field in ("containers", "initContainers") for container in spec.get(field) or ()
    }
    seen = set(others)
    for index, container in enumerate(containers):
        here = f"{path}[{index}]"
        _validate_common(container, volumes, frozenset(), here, errors)
        validate_image_whitespace(container, here, errors)
        name = container.get("name") or ""
        if name in seen:
            errors.append(fe.duplicate(f"{here}.name", name))
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.append(fe.not_found(f"{here}.targetContainerName", target))
        for field in _REFUSED_EPHEMERAL:
            if container.get(field):
                errors.append(fe.forbidden(f"{here}.{field}", _NOT_EPHEMERAL))
        for i, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    errors.append(fe.forbidden(f"{here}.volumeMounts[{i}].{field}", _NOT_EPHEMERAL))


def validate_image_whitespace(container: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """Pods, unlike templates, may not have blanks around an image's name."""
    image = container.get("image") or ""
    if image != image.strip():
        errors.append(fe.invalid(f"{path}.image", image, "must not have leading or trailing whitespace"))


def _validate_common(
    container: dict[str, Any], volumes: Volumes, claims: frozenset[str], path: str, errors: list[FieldError]
) -> None:
    name = container.get("name")
    if not name:
        errors.append(fe.required(f"{path}.name"))
    else:
        for text in names.dns1123_label(name):
            errors.append(fe.invalid(f"{path}.name", name, text))
    if not container.get("image"):
        errors.append(fe.required(f"{path}.image"))
    policy = container.get("terminationMessagePolicy") or ""
    if policy not in _MESSAGE_POLICIES:
        field = f"{path}.terminationMessagePolicy"
        errors.append(fe.not_supported(field, policy, _MESSAGE_POLICIES) if policy else fe.required(field))
    if ports := container.get("ports"):
        _validate_ports(ports, f"{path}.ports", errors)
    if variables := container.get("env"):
        validate_env(variables, f"{path}.env", errors)
    if sources := container.get("envFrom"):
        validate_env_from(sources, f"{path}.envFrom", errors)
    if container.get("volumeMounts"):
        validate_mounts(container, volumes, f"{path}.volumeMounts", errors)
    if container.get("volumeDevices"):
        validate_devices(container, volumes, f"{path}.volumeDevices", errors)
    pull = container.get("imagePullPolicy") or ""
    if pull not in PULL_POLICIES:
        field = f"{path}.imagePullPolicy"
        errors.append(fe.not_supported(field, pull, PULL_POLICIES) if pull else fe.required(field))
    if resources := container.get("resources"):
        errors += validate_requirements(resources, f"{path}.resources", claims)
    if context := container.get("securityContext"):
        validate_security_context(context, f"{path}.securityContext", errors)


def _validate_ports(ports: Sequence[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        if name := port.get("name"):
            problems = names.port_name(name)
            errors.extend(fe.invalid(f"{here}.name", name, text) for text in problems)
            if not problems:
                if name in seen:
                    errors.append(fe.duplicate(f"{here}.name", name))
                seen.add(name)
        number = port.get("containerPort") or 0
        if not number:
            errors.append(fe.required(f"{here}.containerPort"))
        elif not 0 < number < 65536:
            errors.append(fe.invalid(f"{here}.containerPort", number, names.inclusive_range(1, 65535)))
        host = port.get("hostPort") or 0
        if not 0 <= host < 65536:
            errors.append(fe.invalid(f"{here}.hostPort", host, names.inclusive_range(1, 65535)))
        protocol = port.get("protocol") or ""
        if protocol not in PROTOCOLS:
            field = f"{here}.protocol"
            errors.append(fe.not_supported(field, protocol, PROTOCOLS) if protocol else fe.required(field))


def validate_host_network_ports(
    containers: Containers, path: str, errors: list[FieldError], *, in_template: bool
) -> None:
    """In the host's network a port is the host's own; a template may leave that to the pods that are made of it."""
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort") or 0
            if host != (port.get("containerPort") or 0) and (host or not in_template):
                field = f"{path}[{i}].ports[{j}].hostPort"
                errors.append(fe.invalid(field, host, "must match `containerPort` when `hostNetwork` is true"))


def _validate_host_ports(containers: Containers, path: str, errors: list[FieldError]) -> None:
    seen: set[str] = set()
    for i, container in enumerate(containers):
        for j, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in seen:
                errors.append(fe.duplicate(f"{path}[{i}].ports[{j}].hostPort", key))
            seen.add(key)
