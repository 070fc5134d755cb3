"""The checks that the restricted standard adds, and those of the baseline that they replace. Pure."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.admission.podsecurity.baseline import BASELINE
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

_VOLUMES = frozenset({
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
})  # fmt: skip


def _windows(spec: Object) -> bool:
    """Pods for Windows cannot set what Linux alone knows (since v1.25)."""
    return (spec.get("os") or {}).get("name") == "windows"


def _escalation(metadata: Object, spec: Object) -> Violation | None:
    if _windows(spec):
        return None
    bad = offenders(spec, lambda container: context_of(container).get("allowPrivilegeEscalation") is not False)
    if not bad:
        return None
    detail = f"{named(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", detail)


def _capabilities(metadata: Object, spec: Object) -> Violation | None:
    if _windows(spec):
        return None

    def given(container: Object, section: str) -> list[str]:
        return list((context_of(container).get("capabilities") or {}).get(section) or ())

    def added(container: Object) -> list[str]:
        return [name for name in given(container, "add") if name != "NET_BIND_SERVICE"]

    keeping = offenders(spec, lambda container: "ALL" not in given(container, "drop"))
    adding = offenders(spec, lambda container: bool(added(container)))
    details = []
    if keeping:
        details.append(f'{named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if adding:
        names = unique(name for container in containers(spec) for name in added(container))
        details.append(f"{named(adding)} must not include {quoted(names)} in securityContext.capabilities.add")
    return Violation("unrestricted capabilities", "; ".join(details)) if details else None


def _volumes(metadata: Object, spec: Object) -> Violation | None:
    bad: list[str] = []
    types: set[str] = set()
    for volume in spec.get("volumes") or ():
        kinds = {key for key, value in volume.items() if key != "name" and value is not None}
        if kinds and not kinds & _VOLUMES:
            bad.append(volume.get("name") or "")
            types |= kinds
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    text = f"{named(bad, 'volume')} {verb} restricted volume {plural('type', len(types))} {quoted(sorted(types))}"
    return Violation("restricted volume types", text)


def _non_root(metadata: Object, spec: Object) -> Violation | None:
    pod = context_of(spec).get("runAsNonRoot")
    set_false = offenders(spec, lambda container: context_of(container).get("runAsNonRoot") is False)
    unset = offenders(spec, lambda container: context_of(container).get("runAsNonRoot") is None)
    who = [*(["pod"] if pod is False else []), *([named(set_false)] if set_false else [])]
    if who:
        detail = f"{' and '.join(who)} must not set securityContext.runAsNonRoot=false"
        return Violation("runAsNonRoot != true", detail)
    if unset and not pod:
        return Violation("runAsNonRoot != true", f"pod or {named(unset)} must set securityContext.runAsNonRoot=true")
    return None


def _user(metadata: Object, spec: Object) -> Violation | None:
    names = offenders(spec, lambda container: context_of(container).get("runAsUser") == 0)
    who = [*(["pod"] if context_of(spec).get("runAsUser") == 0 else []), *([named(names)] if names else [])]
    return Violation("runAsUser=0", f"{' and '.join(who)} must not set runAsUser=0") if who else None


def _seccomp(metadata: Object, spec: Object) -> Violation | None:
    if _windows(spec):
        return None

    def chosen(holder: Object) -> str:
        return (context_of(holder).get("seccompProfile") or {}).get("type") or ""

    allowed = ("RuntimeDefault", "Localhost")
    wrong = offenders(spec, lambda container: bool(chosen(container)) and chosen(container) not in allowed)
    who = [*(["pod"] if chosen(spec) and chosen(spec) not in allowed else []), *([named(wrong)] if wrong else [])]
    if who:
        kinds = unique(chosen(holder) for holder in (spec, *containers(spec)) if chosen(holder) not in ("", *allowed))
        text = f"{' and '.join(who)} must not set securityContext.seccompProfile.type to {quoted(kinds)}"
        return Violation("seccompProfile", text)
    unset = offenders(spec, lambda container: not chosen(container))
    if unset and not chosen(spec):
        text = f'pod or {named(unset)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        return Violation("seccompProfile", text)
    return None


_REPLACED = frozenset({"capabilities_baseline", "hostPathVolumes", "seccompProfile_baseline"})

RESTRICTED: dict[str, Check] = {
    **{name: check for name, check in BASELINE.items() if name not in _REPLACED},
    "allowPrivilegeEscalation": _escalation,
    "capabilities_restricted": _capabilities,
    "restrictedVolumes": _volumes,
    "runAsNonRoot": _non_root,
    "runAsUser": _user,
    "seccompProfile_restricted": _seccomp,
}
