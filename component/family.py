"""A metric as values: what the text format shows of it, and what processes tell each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Labels that Go's library writes behind all others.
_LAST = ("le", "quantile")


@dataclass(slots=True)
class Family:
    """One metric with its values."""

    name: str
    kind: str
    documentation: str
    samples: dict[str, float]  #: by name and labels, as the text has them


def series(name: str, labels: Mapping[str, str]) -> str:
    """What stands before a value."""
    shown = labels_text((key, value) for key, value in labels.items() if key not in _LAST)
    for key in _LAST:
        if key in labels:  # prometheus_client writes whole numbers with a fraction
            shown = with_label(shown, key, labels[key].removesuffix(".0"))
    return f"{name}{{{shown}}}" if shown else name


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels in their order, as between the braces."""
    return ",".join([f'{key}="{_escaped(value)}"' for key, value in sorted(labels)])


def with_label(shown: str, key: str, value: str) -> str:
    """One more label, behind the others; `value` needs no escaping."""
    return f'{shown},{key}="{value}"' if shown else f'{key}="{value}"'


def _escaped(value: str) -> str:
    if "\\" in value or "\n" in value or '"' in value:
        return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return value


def number(value: float) -> str:
    """As Go writes it: whole numbers without a fraction, from a million on with an exponent."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if abs(value) < 1e6:
        return str(int(value)) if value.is_integer() else repr(value)
    written = repr(value)
    whole, _, fraction = written.partition(".")
    if "e" in written:
        return written
    sign, digits = ("-", whole[1:]) if value < 0 else ("", whole)
    mantissa = f"{digits[0]}.{digits[1:]}{fraction}".rstrip("0").rstrip(".")
    return f"{sign}{mantissa}e+{len(digits) - 1:02}"
