"""The checks of the baseline standard, in the order of their identifiers. Pure.

Each follows the check of the same name in k8s.io/pod-security-admission/policy, in its v1.28 form."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.admission.podsecurity.check import (
    Check,
    Violation,
    containers,
    context_of,
    named,
    offenders,
    plural,
    quoted,
    unique,
)

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_CAPABILITIES = frozenset({
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
})  # fmt: skip
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})
_SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
})  # fmt: skip


def _apparmor(metadata: Object, spec: Object) -> Violation | None:
    annotations = metadata.get("annotations") or {}
    bad = [
        f'{key}="{value}"'
        for key, value in sorted(annotations.items())
        if key.startswith(_APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/")
    ]
    if not bad:
        return None
    return Violation(f"forbidden AppArmor {plural('profile', len(bad))}", ", ".join(bad))


def _capabilities(metadata: Object, spec: Object) -> Violation | None:
    def added(container: Object) -> list[str]:
        given = (context_of(container).get("capabilities") or {}).get("add") or ()
        return [name for name in given if name not in _CAPABILITIES]

    bad = offenders(spec, lambda container: bool(added(container)))
    if not bad:
        return None
    names = unique(name for container in containers(spec) for name in added(container))
    detail = f"{named(bad)} must not include {quoted(names)} in securityContext.capabilities.add"
    return Violation("non-default capabilities", detail)


def _host_namespaces(metadata: Object, spec: Object) -> Violation | None:
    used = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Violation("host namespaces", ", ".join(used)) if used else None


def _host_path(metadata: Object, spec: Object) -> Violation | None:
    bad = [volume.get("name") or "" for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    return Violation("hostPath volumes", named(bad, "volume")) if bad else None


def _host_ports(metadata: Object, spec: Object) -> Violation | None:
    def ports(container: Object) -> list[int]:
        return [port["hostPort"] for port in container.get("ports") or () if port.get("hostPort")]

    bad = offenders(spec, lambda container: bool(ports(container)))
    if not bad:
        return None
    used = sorted({str(port) for container in containers(spec) for port in ports(container)})
    verb = "uses" if len(bad) == 1 else "use"
    return Violation("hostPort", f"{named(bad)} {verb} {plural('hostPort', len(used))} {', '.join(used)}")


def _privileged(metadata: Object, spec: Object) -> Violation | None:
    bad = offenders(spec, lambda container: bool(context_of(container).get("privileged")))
    if not bad:
        return None
    return Violation("privileged", f"{named(bad)} must not set securityContext.privileged=true")


def _proc_mount(metadata: Object, spec: Object) -> Violation | None:
    def chosen(container: Object) -> str:
        return context_of(container).get("procMount") or "Default"

    bad = offenders(spec, lambda container: chosen(container) != "Default")
    if not bad:
        return None
    kinds = unique(chosen(container) for container in containers(spec) if chosen(container) != "Default")
    return Violation("procMount", f"{named(bad)} must not set securityContext.procMount to {quoted(kinds)}")


def _selinux(metadata: Object, spec: Object) -> Violation | None:
    def bad_options(holder: Object) -> Object:
        options = context_of(holder).get("seLinuxOptions") or {}
        bad_type = options.get("type") if (options.get("type") or "") not in _SELINUX_TYPES else None
        return {key: value for key, value in (("type", bad_type), ("user", options.get("user")),
                                              ("role", options.get("role"))) if value}  # fmt: skip

    holders = [holder for holder in (spec, *containers(spec)) if bad_options(holder)]
    if not holders:
        return None
    names = [holder.get("name") or "" for holder in holders if holder is not spec]
    who = " and ".join([*(["pod"] if bad_options(spec) else []), *([named(names)] if names else [])])
    found = [bad_options(holder) for holder in holders]
    types = unique(options["type"] for options in found if "type" in options)
    parts = [f"{plural('type', len(types))} {quoted(types)}"] if types else []
    parts += [f"{key} may not be set" for key in ("user", "role") if any(key in options for options in found)]
    verb = "sets" if len(holders) == 1 else "set"
    return Violation("seLinuxOptions", f"{who} {verb} forbidden securityContext.seLinuxOptions: {'; '.join(parts)}")


def _seccomp(metadata: Object, spec: Object) -> Violation | None:
    def unconfined(holder: Object) -> bool:
        return (context_of(holder).get("seccompProfile") or {}).get("type") == "Unconfined"

    names = offenders(spec, unconfined)
    who = [*(["pod"] if unconfined(spec) else []), *([named(names)] if names else [])]
    if not who:
        return None
    text = f'{" and ".join(who)} must not set securityContext.seccompProfile.type to "Unconfined"'
    return Violation("seccompProfile", text)


def _sysctls(metadata: Object, spec: Object) -> Violation | None:
    given = [item.get("name") or "" for item in context_of(spec).get("sysctls") or ()]
    bad = [name for name in given if name not in _SYSCTLS]
    return Violation("forbidden sysctls", ", ".join(bad)) if bad else None


def _windows(metadata: Object, spec: Object) -> Violation | None:
    def host(holder: Object) -> bool:
        return bool((context_of(holder).get("windowsOptions") or {}).get("hostProcess"))

    names = offenders(spec, host)
    who = [*(["pod"] if host(spec) else []), *([named(names)] if names else [])]
    if not who:
        return None
    return Violation("hostProcess", f"{' and '.join(who)} must not set securityContext.windowsOptions.hostProcess=true")


#: By identifier: those of the restricted standard replace some of them.
BASELINE: dict[str, Check] = {
    "appArmorProfile": _apparmor,
    "capabilities_baseline": _capabilities,
    "hostNamespaces": _host_namespaces,
    "hostPathVolumes": _host_path,
    "hostPorts": _host_ports,
    "privileged": _privileged,
    "procMount": _proc_mount,
    "seLinuxOptions": _selinux,
    "seccompProfile_baseline": _seccomp,
    "sysctls": _sysctls,
    "windowsHostProcess": _windows,
}
