"""Warnings about the claims that a StatefulSet makes for its pods. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apimachinery import fielderrors as fe
from apimachinery import quantity


def claim_spec_warnings(spec: Mapping[str, Any], path: str) -> list[str]:
    """GetWarningsForPersistentVolumeClaimSpec: storage comes in whole bytes."""
    found: list[str] = []
    for kind in ("requests", "limits"):
        amount = ((spec.get("resources") or {}).get(kind) or {}).get("storage")
        if amount and quantity.parse(amount).milli_value() % 1000:
            shown = fe.go_quote(str(quantity.parse(amount)))
            where = f"{path}.resources.{kind}[storage]"
            found.append(f"{where}: fractional byte value {shown} is invalid, must be an integer")
    return found
