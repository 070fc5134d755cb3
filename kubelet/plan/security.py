"""The security side of a container's Docker configuration: user, capabilities, seccomp, AppArmor, SELinux.

Pure; the rules are those of pkg/securitycontext and of the dockershim's security_context.go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery.objects import Object, annotations_of


class SecurityError(Exception):
    """The container may not run as asked: CreateContainerConfigError with this text."""


def effective(pod: Object, container: Mapping[str, Any]) -> dict[str, Any]:
    """The container's security context, with what it leaves out taken from the pod's."""
    shared = pod["spec"].get("securityContext") or {}
    own = container.get("securityContext") or {}
    inherited = ("runAsUser", "runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile")
    return {**{key: shared[key] for key in inherited if shared.get(key) is not None}, **own}


def check_non_root(pod: Object, container: Mapping[str, Any], image_user: str) -> None:
    """Raises `SecurityError` when runAsNonRoot is asked for and the container would run as root or nobody knows."""
    context = effective(pod, container)
    if not context.get("runAsNonRoot"):
        return
    meta = pod["metadata"]
    where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    if context.get("runAsUser") is not None:
        if context["runAsUser"] == 0:
            raise SecurityError(f"container's runAsUser breaks non-root policy {where}")
        return
    user = image_user.split(":")[0]
    if not user or user == "0":
        raise SecurityError(f"container has runAsNonRoot and image will run as root {where}")
    if not user.isdigit():
        raise SecurityError(
            f"container has runAsNonRoot and image has non-numeric user ({user}), "
            f"cannot verify user is non-root {where}"
        )


def user_of(pod: Object, container: Mapping[str, Any]) -> str:
    """Docker's User: "UID", "UID:GID" or "" for the image's own."""
    context = effective(pod, container)
    user, group = context.get("runAsUser"), context.get("runAsGroup")
    if user is None:
        return ""
    return f"{user}:{group}" if group is not None else str(user)


def groups_of(pod: Object) -> list[str]:
    """Docker's GroupAdd: supplementalGroups and fsGroup."""
    shared = pod["spec"].get("securityContext") or {}
    groups = [str(group) for group in shared.get("supplementalGroups") or ()]
    if shared.get("fsGroup") is not None:
        groups.append(str(shared["fsGroup"]))
    return groups


def host_config(pod: Object, container: Mapping[str, Any], profiles: Mapping[str, str]) -> dict[str, Any]:
    """The fields of Docker's HostConfig that follow from the security context; `profiles` holds the JSON text of
    each localhost seccomp profile by its path."""
    context = effective(pod, container)
    capabilities = context.get("capabilities") or {}
    result: dict[str, Any] = {
        "Privileged": bool(context.get("privileged")),
        "ReadonlyRootfs": bool(context.get("readOnlyRootFilesystem")),
        "CapAdd": _capabilities(capabilities.get("add")),
        "CapDrop": _capabilities(capabilities.get("drop")),
        "GroupAdd": groups_of(pod),
        "SecurityOpt": security_options(pod, container["name"], context, profiles),
    }
    if context.get("procMount") == "Unmasked":
        result["MaskedPaths"], result["ReadonlyPaths"] = [], []
    return result


def _capabilities(names: list[str] | None) -> list[str]:
    return [name.upper() for name in names or ()]


def security_options(
    pod: Object, container_name: str, context: Mapping[str, Any], profiles: Mapping[str, str]
) -> list[str]:
    """Docker's SecurityOpt. Without a profile Kubernetes means unconfined, where Docker would filter."""
    options = []
    profile = context.get("seccompProfile") or {}
    kind = profile.get("type") or "Unconfined"
    if context.get("privileged") or kind == "Unconfined":
        options.append("seccomp=unconfined")
    elif kind == "Localhost":
        path = profile.get("localhostProfile") or ""
        if path not in profiles:
            raise SecurityError(f"cannot load seccomp profile {path!r}: no such file")
        options.append(f"seccomp={profiles[path]}")
    if context.get("allowPrivilegeEscalation") is False:
        options.append("no-new-privileges")
    app_armor = annotations_of(pod).get(f"container.apparmor.security.beta.kubernetes.io/{container_name}", "")
    if app_armor and app_armor != "runtime/default":
        options.append(f"apparmor={app_armor.removeprefix('localhost/')}")
    labels = context.get("seLinuxOptions") or {}
    for key in ("user", "role", "type", "level"):
        if labels.get(key):
            options.append(f"label={key}:{labels[key]}")
    return options
