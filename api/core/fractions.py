"""Warnings about amounts of bytes that are no whole number, as `100m` of memory is.

Pure (k8s.io/kubernetes/pkg/api/pod/warnings.go and pkg/api/persistentvolumeclaim/util.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apimachinery import fielderrors as fe
from apimachinery import quantity

_BYTES = ("memory", "ephemeral-storage")


def fraction_warnings(amounts: Mapping[str, str], names: Iterable[str], path: str) -> list[str]:
    """The named amounts, where they are given."""
    found = []
    for name in names:
        text = amounts.get(name)
        # Only these suffixes and a decimal point make fractions; most amounts have neither and are not parsed.
        if text and (text.endswith(("m", "u", "n")) or "." in text or "e-" in text.lower()):
            value = quantity.parse(text)
            if value.milli_value() % 1000:
                shown = fe.go_quote(str(value))
                found.append(f"{path}[{name}]: fractional byte value {shown} is invalid, must be an integer")
    return found


def container_fraction_warnings(container: Mapping[str, Any], path: str) -> list[str]:
    """Memory and scratch space of one container."""
    resources: Mapping[str, Any] = container.get("resources") or {}
    if not resources:
        return []
    found = []
    for name in _BYTES:
        for kind in ("limits", "requests"):
            if amounts := resources.get(kind):
                found += fraction_warnings(amounts, (name,), f"{path}.resources.{kind}")
    return found


def overhead_fraction_warnings(overhead: Mapping[str, str], path: str) -> list[str]:
    """What a pod's sandbox takes itself."""
    return fraction_warnings(overhead, _BYTES, path)


def claim_fraction_warnings(spec: Mapping[str, Any], path: str) -> list[str]:
    """GetWarningsForPersistentVolumeClaimSpec."""
    resources: Mapping[str, Any] = spec.get("resources") or {}
    return [
        text
        for kind in ("requests", "limits")
        for text in fraction_warnings(resources.get(kind) or {}, ("storage",), f"{path}.resources.{kind}")
    ]
