"""Rules for security contexts of pods and containers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from api.core.volumesources import local_descending_path
from api.gosyntax import pointer, raw
from api.validation import names
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

#: The largest user and group id.
MAX_ID = 2**31 - 1
_MAX_GMSA = 64 * 1024
_SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = f"({_SYSCTL_SEGMENT}[\\./])*{_SYSCTL_SEGMENT}"
_sysctl_match = re.compile(_SYSCTL).fullmatch
_SECCOMP_TYPES = ("Localhost", "RuntimeDefault", "Unconfined")
_FS_GROUP_POLICIES = ("Always", "OnRootMismatch")
#: Fields in the order in which the reference prints a SecurityContext, with their Go types.
_CONTEXT_FIELDS = (
    ("Capabilities", "capabilities", "core.Capabilities"),
    ("Privileged", "privileged", "bool"),
    ("SELinuxOptions", "seLinuxOptions", "core.SELinuxOptions"),
    ("WindowsOptions", "windowsOptions", "core.WindowsSecurityContextOptions"),
    ("RunAsUser", "runAsUser", "int64"),
    ("RunAsGroup", "runAsGroup", "int64"),
    ("RunAsNonRoot", "runAsNonRoot", "bool"),
    ("ReadOnlyRootFilesystem", "readOnlyRootFilesystem", "bool"),
    ("AllowPrivilegeEscalation", "allowPrivilegeEscalation", "bool"),
    ("ProcMount", "procMount", "core.ProcMountType"),
    ("SeccompProfile", "seccompProfile", "core.SeccompProfile"),
)


def _valid_id(value: int | None, path: str, errors: list[FieldError]) -> None:
    if value is not None and not 0 <= value <= MAX_ID:
        errors.append(fe.invalid(path, value, names.inclusive_range(0, MAX_ID)))


def validate_pod_security(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """The pod's own security context, and the host's name spaces, which the reference counts among it."""
    context: dict[str, Any] = spec.get("securityContext") or {}
    here = f"{path}.securityContext"
    for field in ("fsGroup", "runAsUser", "runAsGroup"):
        _valid_id(context.get(field), f"{here}.{field}", errors)
    for index, group in enumerate(context.get("supplementalGroups") or ()):
        _valid_id(group, f"{here}.supplementalGroups[{index}]", errors)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        text = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(fe.invalid(f"{here}.shareProcessNamespace", True, text))
    if not context:
        return
    if sysctls := context.get("sysctls"):
        _validate_sysctls(sysctls, f"{here}.sysctls", errors)
    policy = context.get("fsGroupChangePolicy")
    if policy is not None and policy not in _FS_GROUP_POLICIES:
        errors.append(fe.not_supported(f"{here}.fsGroupChangePolicy", policy, _FS_GROUP_POLICIES))
    _validate_seccomp(context.get("seccompProfile"), f"{here}.seccompProfile", errors)
    _validate_windows(context.get("windowsOptions"), f"{here}.windowsOptions", errors)


def _validate_sysctls(sysctls: list[dict[str, Any]], path: str, errors: list[FieldError]) -> None:
    seen = set()
    for index, sysctl in enumerate(sysctls):
        field, name = f"{path}[{index}].name", sysctl.get("name") or ""
        if not name:
            errors.append(fe.required(field))
        elif len(name) > 253 or not _sysctl_match(name):
            errors.append(fe.invalid(field, name, f"must have at most 253 characters and match regex ^{_SYSCTL}$"))
        elif name in seen:
            errors.append(fe.duplicate(field, name))
        seen.add(name)


def _validate_seccomp(profile: dict[str, Any] | None, path: str, errors: list[FieldError]) -> None:
    if profile is None:
        return
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    if not kind:
        errors.append(fe.required(f"{path}.type", "type is required when seccompProfile is set"))
    elif kind not in _SECCOMP_TYPES:
        errors.append(fe.not_supported(f"{path}.type", kind, _SECCOMP_TYPES))
    if kind == "Localhost":
        if local is None:
            text = "must be set when seccomp type is Localhost"
            errors.append(fe.required(f"{path}.localhostProfile", text))
        else:
            local_descending_path(local, f"{path}.localhostProfile", errors)
    elif local is not None:
        shown = f"core.SeccompProfile{{Type:{fe.go_quote(kind)}, LocalhostProfile:{pointer('string', local)}}}"
        text = "can only be set when seccomp type is Localhost"
        errors.append(fe.invalid(f"{path}.localhostProfile", raw(shown), text))


def validate_security_context(context: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """A container's security context."""
    _valid_id(context.get("runAsUser"), f"{path}.runAsUser", errors)
    _valid_id(context.get("runAsGroup"), f"{path}.runAsGroup", errors)
    mount = context.get("procMount")
    if mount is not None and mount not in ("Default", "Unmasked"):
        errors.append(fe.not_supported(f"{path}.procMount", mount, ("Default", "Unmasked")))
    _validate_seccomp(context.get("seccompProfile"), f"{path}.seccompProfile", errors)
    if context.get("allowPrivilegeEscalation") is False:
        if context.get("privileged"):
            text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
            errors.append(fe.invalid(path, _shown(context), text))
        for capability in (context.get("capabilities") or {}).get("add") or ():
            if capability == "CAP_SYS_ADMIN":
                text = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
                errors.append(fe.invalid(path, _shown(context), text))
    _validate_windows(context.get("windowsOptions"), f"{path}.windowsOptions", errors)


def _shown(context: Mapping[str, Any]) -> fe.GoSyntax:
    parts = [f"{name}:{pointer(go_type, context.get(field))}" for name, field, go_type in _CONTEXT_FIELDS]
    return raw("core.SecurityContext{" + ", ".join(parts) + "}")


def _validate_windows(options: dict[str, Any] | None, path: str, errors: list[FieldError]) -> None:
    if not options:
        return
    if (name := options.get("gmsaCredentialSpecName")) is not None:
        field = f"{path}.gmsaCredentialSpecName"
        errors.extend(fe.invalid(field, name, text) for text in names.dns1123_subdomain(name))
    credentials, field = options.get("gmsaCredentialSpec"), f"{path}.gmsaCredentialSpec"
    if credentials == "":
        errors.append(fe.invalid(field, credentials, "gmsaCredentialSpec cannot be an empty string"))
    elif credentials is not None and len(credentials.encode()) > _MAX_GMSA:
        errors.append(fe.invalid(field, credentials, "gmsaCredentialSpec size must be under 64 KiB"))
    if (user := options.get("runAsUserName")) is not None:
        for text in _windows_user_problems(user):
            errors.append(fe.invalid(f"{path}.runAsUserName", user, text))


def _windows_user_problems(name: str) -> list[str]:
    if not name:
        return ["runAsUserName cannot be an empty string"]
    if any(ord(char) < 32 or ord(char) == 127 for char in name):
        return ["runAsUserName cannot contain control characters"]
    if name.count("\\") > 1:
        return ["runAsUserName cannot contain more than one backslash"]
    domain, _, user = name.rpartition("\\")
    problems = []
    if len(domain) >= 256:
        problems.append("runAsUserName's Domain length must be under 256 characters")
    if not user:
        problems.append("runAsUserName's User cannot be empty")
    elif len(user) > 104:
        problems.append("runAsUserName's User length must not be longer than 104 characters")
    if user and not user.strip(". "):
        problems.append("runAsUserName's User cannot contain only periods or spaces")
    if any(char in '"/\\:;|=,+*?<>@[]' for char in user):
        problems.append("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return problems


def validate_operating_system(spec: dict[str, Any], path: str, errors: list[FieldError]) -> None:
    """spec.os, and the settings that the other system does not have."""
    system = (spec.get("os") or {}).get("name") or ""
    if not system:
        errors.append(fe.required(f"{path}.os.name", "cannot be empty"))
    elif system not in ("linux", "windows"):
        errors.append(fe.not_supported(f"{path}.os", system, ("linux", "windows")))
    elif system == "linux":
        _refuse(spec, path, ("windowsOptions",), (), "windows options cannot be set for a linux pod", errors)
    else:
        for field in ("hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"):
            if spec.get(field):
                errors.append(fe.forbidden(f"{path}.{field}", "cannot be set for a windows pod"))
        _refuse(spec, path, _LINUX_CONTAINER, _LINUX_POD, "cannot be set for a windows pod", errors)


_LINUX_POD = ("seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls", "runAsUser",
              "runAsGroup", "supplementalGroups")  # fmt: skip
_LINUX_CONTAINER = ("seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
                    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup")  # fmt: skip


def _refuse(
    spec: dict[str, Any],
    path: str,
    container_fields: tuple[str, ...],
    pod_fields: tuple[str, ...],
    text: str,
    errors: list[FieldError],
) -> None:
    context = spec.get("securityContext") or {}
    for field in pod_fields or container_fields:
        if field in context:
            errors.append(fe.forbidden(f"{path}.securityContext.{field}", text))
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            for field in container_fields:
                if field in (container.get("securityContext") or {}):
                    errors.append(fe.forbidden(f"{path}.{kind}[{index}].securityContext.{field}", text))
