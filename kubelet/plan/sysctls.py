"""Which kernel settings pods may have of their own. Pure.

The rules are those of pkg/kubelet/sysctl: a setting must belong to a namespace of the pod, and be safe or allowed by
--allowed-unsafe-sysctls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apimachinery.objects import Object

FORBIDDEN = "SysctlForbidden"
_IPC, _NET = "IPC", "network"
#: Safe: they act in their namespace only, cannot harm the node, nor take more of its resources than the pod may.
_SAFE = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
)  # fmt: skip
_NAMESPACES = {"kernel.shm": _IPC, "kernel.msg": _IPC, "fs.mqueue.": _IPC, "net.": _NET}
_PATTERN = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*([./]?\*)?")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Names, and beginnings of names, that pods may set."""

    names: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether pods may set it."""
        return name in self.names or name.startswith(self.prefixes)


def dotted(name: str) -> str:
    """The name with dots between its parts: where a slash comes first, slashes separate and dots belong to names."""
    separator = re.search(r"[./]", name)
    if separator is None or separator.group() == ".":
        return name
    return name.translate(str.maketrans("./", "/."))


def allowed(unsafe: Iterable[str] = ()) -> Allowed:
    """What is safe, and the patterns of --allowed-unsafe-sysctls ("kernel.msg*", "net.core.somaxconn"). Raises
    ValueError for one that is no name, or of no namespace."""
    names, prefixes = set(_SAFE), []
    for text in unsafe:
        if not _PATTERN.fullmatch(text):
            raise ValueError(f'sysctl "{text}" must be a sysctl name, optionally with a * at its end')
        name = dotted(text).removesuffix("*")
        if not _namespace(name):
            known = "sysctls" if text.endswith("*") else "sysctl"
            raise ValueError(f'the {known} "{text}" are not known to be namespaced')
        if text.endswith("*"):
            prefixes.append(name)
        else:
            names.add(name)
    return Allowed(frozenset(names), tuple(prefixes))


def sysctls_of(pod: Object) -> dict[str, str]:
    """The settings that the pod asks for, names with dots."""
    asked = (pod["spec"].get("securityContext") or {}).get("sysctls") or ()
    return {dotted(entry["name"]): entry.get("value") or "" for entry in asked}


def rejection(pod: Object, may: Allowed) -> tuple[str, str] | None:
    """(reason, message) of the Failed pod; None when the node takes it."""
    for name in sysctls_of(pod):
        why = _complaint(pod["spec"], name, may)
        if why:
            return FORBIDDEN, f'Pod was rejected: forbidden sysctl: "{name}" {why}'
    return None


def _complaint(spec: Mapping[str, object], name: str, may: Allowed) -> str:
    if not may.has(name):
        return "not allowlisted"
    namespace = _namespace(name)
    if (namespace == _IPC and spec.get("hostIPC")) or (namespace == _NET and spec.get("hostNetwork")):
        return f"not allowed with host {namespace} enabled"
    return ""


def _namespace(name: str) -> str:
    if name == "kernel.sem":
        return _IPC
    return next((namespace for prefix, namespace in _NAMESPACES.items() if name.startswith(prefix)), "")
