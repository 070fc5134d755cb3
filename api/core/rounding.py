"""Amounts finer than a thousandth are rounded up to one, as they have always been on their way into the API.

Pure; changes the freshly decoded object (SetDefaults_ResourceList in pkg/apis/core/v1/defaults.go)."""

from __future__ import annotations

from typing import Any

from apimachinery.quantity import Quantity, parse

_MILLI = 10**6  #: nanos
_FINER = ("u", "n")


def round_up(amounts: dict[str, str] | None) -> None:
    """A ResourceList, whose amounts are canonical already."""
    if not amounts:
        return
    for name, text in amounts.items():
        if text.endswith(_FINER):
            value = parse(text)
            whole = -(-abs(value.nanos) // _MILLI) * _MILLI
            amounts[name] = str(Quantity(whole if value.nanos > 0 else -whole, value.format))


def round_up_each(owner: dict[str, Any] | None, *fields: str) -> None:
    """The ResourceLists in these fields of an object."""
    for field in fields:
        round_up((owner or {}).get(field))
