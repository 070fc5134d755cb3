"""PodSecurityConfiguration (pod-security.admission.config.k8s.io/v1): defaults for namespaces without labels, and who
and what is exempt. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from apimachinery.objects import Object

MODES: Final = ("enforce", "audit", "warn")
VERSION: Final = re.compile(r"latest|v1\.(0|[1-9][0-9]*)")
_LEVELS: Final = ("privileged", "baseline", "restricted")
_VERSIONS: Final = tuple(f"pod-security.admission.config.k8s.io/{each}" for each in ("v1", "v1beta1", "v1alpha1"))
_EXEMPT: Final = ("usernames", "namespaces", "runtimeClasses")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the plugin is configured with."""

    defaults: Mapping[str, tuple[str, str]]  #: (level, version) by mode
    usernames: frozenset[str]
    namespaces: frozenset[str]
    runtime_classes: frozenset[str]

    def exemption(self, namespace: str, user: str, pod: Object) -> str:
        """Why a pod is exempt, as the audit annotation says it; "" where it is not."""
        if namespace in self.namespaces:
            return "namespace"
        if user in self.usernames:
            return "user"
        return "runtimeClass" if (pod.get("spec") or {}).get("runtimeClassName") in self.runtime_classes else ""


def read_settings(body: Mapping[str, Any]) -> Settings:
    """Raises ValueError, in one line."""
    if body and (body.get("kind") != "PodSecurityConfiguration" or body.get("apiVersion") not in _VERSIONS):
        raise ValueError(f"PodSecurity: {body.get('apiVersion')}, Kind={body.get('kind')} is no configuration of it")
    given = body.get("defaults") or {}
    defaults = {mode: (given.get(mode) or "privileged", given.get(f"{mode}-version") or "latest") for mode in MODES}
    for mode, (level, version) in defaults.items():
        if level not in _LEVELS:
            text = f'Invalid value: "{level}": must be one of {", ".join(_LEVELS)}'
            raise ValueError(f"PodSecurity: defaults.{mode}: {text}")
        if not VERSION.fullmatch(version):
            text = f'Invalid value: "{version}": must be "latest" or "v1.x"'
            raise ValueError(f"PodSecurity: defaults.{mode}-version: {text}")
    listed = body.get("exemptions") or {}
    exempt = {field: _names(listed.get(field) or (), field) for field in _EXEMPT}
    return Settings(defaults, exempt["usernames"], exempt["namespaces"], exempt["runtimeClasses"])


def _names(values: Any, field: str) -> frozenset[str]:
    if isinstance(values, str) or not all(isinstance(value, str) and value for value in values):
        raise ValueError(f"PodSecurity: exemptions.{field}: must be a list of names")
    if len(set(values)) != len(values):
        raise ValueError(f"PodSecurity: exemptions.{field}: Duplicate value")
    return frozenset(values)
