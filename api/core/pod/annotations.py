"""Rules for annotations that mean something to the node: seccomp, AppArmor, mirror pods, deletion cost. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from api.core.volumesources import local_descending_path
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
#: Fields of a spec that hold containers, in the order of their start.
CONTAINER_FIELDS = ("initContainers", "containers", "ephemeralContainers")
_SECCOMP_NAMES = ("runtime/default", "docker/default", "unconfined")
_COST = re.compile(r"0|-?[1-9][0-9]*")


def each_container(spec: Mapping[str, Any], path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every container of a spec with its path, init containers first."""
    for kind in CONTAINER_FIELDS:
        for index, container in enumerate(spec.get(kind) or ()):
            yield container, f"{path}.{kind}[{index}]"


def validate_pod_annotations(annotations: Mapping[str, str], spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """The annotations of a pod or template that Kubernetes itself reads."""
    errors: list[FieldError] = []
    if MIRROR in annotations and not spec.get("nodeName"):
        text = "must set spec.nodeName if mirror pod annotation is set"
        errors.append(fe.invalid(f"{path}[{MIRROR}]", annotations[MIRROR], text))
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (_COST.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        errors.append(fe.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer"))
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            _validate_seccomp_name(value, f"{path}.{key}", errors)
    for key, value in annotations.items():
        if key.startswith(APPARMOR):
            _validate_apparmor(key, value, spec, path, errors)
    return errors


def _validate_seccomp_name(profile: str, path: str, errors: list[FieldError]) -> None:
    if profile in _SECCOMP_NAMES:
        return
    if profile.startswith("localhost/"):
        local_descending_path(profile.removeprefix("localhost/"), path, errors)
    else:
        errors.append(fe.invalid(path, profile, "must be a valid seccomp profile"))


def _validate_apparmor(key: str, profile: str, spec: Mapping[str, Any], path: str, errors: list[FieldError]) -> None:
    name = key.removeprefix(APPARMOR)
    if not any(container.get("name") == name for container, _ in each_container(spec, "")):
        errors.append(fe.invalid(f"{path}[{key}]", name, "container not found"))
    if profile not in ("", "runtime/default", "unconfined") and not profile.startswith("localhost/"):
        text = f"invalid AppArmor profile name: {fe.go_quote(profile)}"
        errors.append(fe.invalid(f"{path}[{key}]", profile, text))


def validate_seccomp_agreement(annotations: Mapping[str, str], spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Where a seccomp profile is given both as field and as annotation, they say the same."""
    errors: list[FieldError] = []
    if not annotations:
        return errors
    profile = (spec.get("securityContext") or {}).get("seccompProfile")
    _compare_seccomp(annotations.get(SECCOMP_POD), profile, f"{path}.securityContext.seccompProfile", errors)
    for container, here in each_container(spec, path):
        profile = (container.get("securityContext") or {}).get("seccompProfile")
        annotation = annotations.get(SECCOMP_CONTAINER + (container.get("name") or ""))
        _compare_seccomp(annotation, profile, f"{here}.securityContext.seccompProfile", errors)
    return errors


def _compare_seccomp(
    annotation: str | None, profile: Mapping[str, Any] | None, path: str, errors: list[FieldError]
) -> None:
    if annotation is None or profile is None:
        return
    same_type = {
        "Unconfined": annotation == "unconfined",
        "RuntimeDefault": annotation in ("runtime/default", "docker/default"),
        "Localhost": annotation.startswith("localhost/"),
    }.get(profile.get("type") or "", True)
    if not same_type:
        errors.append(fe.forbidden(f"{path}.type", "seccomp type in annotation and field must match"))
    elif profile.get("type") == "Localhost" and annotation != f"localhost/{profile.get('localhostProfile')}":
        text = "seccomp profile in annotation and field must match"
        errors.append(fe.forbidden(f"{path}.localhostProfile", text))


def validate_annotation_updates(
    new: Mapping[str, str], old: Mapping[str, str], spec: Mapping[str, Any], path: str
) -> list[FieldError]:
    """A pod's AppArmor and mirror annotations never change; the others change to what a new pod may have."""
    errors: list[FieldError] = []
    if new == old:
        return errors
    for key in {**old, **new}:
        if new.get(key) == old.get(key):
            continue
        verb = "add" if key not in old else "remove or update"
        if key.startswith(APPARMOR):
            errors.append(fe.forbidden(f"{path}[{key}]", f"may not {verb} AppArmor annotations"))
        if key == MIRROR:
            errors.append(fe.forbidden(f"{path}[{key}]", f"may not {verb} mirror pod annotation"))
    return errors + validate_pod_annotations(new, spec, path)
