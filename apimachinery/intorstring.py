"""Values that are a number or a percentage of one (k8s.io/apimachinery/pkg/util/intstr). Pure."""

from __future__ import annotations

import re

_PERCENT = re.compile(r"[+-]?[0-9]+")


def scaled_value(value: int | str, total: int, *, round_up: bool) -> int:
    """An integer as it is; "25%" as that part of `total`, rounded up or down. Raises ValueError."""
    if isinstance(value, int):
        return value
    percent = percent_of(value)
    if percent is None:
        raise ValueError("invalid value for IntOrString: invalid type: string is not a percentage")
    product = percent * total
    return -(-product // 100) if round_up else product // 100


def percent_of(text: str) -> int | None:
    """The number before the "%" at the end; None where the text is no percentage."""
    if not text.endswith("%") or not _PERCENT.fullmatch(text[:-1]):
        return None
    return int(text[:-1])
