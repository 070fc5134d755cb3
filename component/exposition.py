"""Metrics as values, and as the text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).

prometheus_client's own writer gives every counter the suffix _total, also those of the real daemons that have none, and
shows metrics that have no value yet. Pure but for `families`, which asks a registry."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.core import Metric
from prometheus_client.registry import CollectorRegistry


@dataclass(slots=True)
class Family:
    """One metric with its values."""

    name: str
    kind: str
    documentation: str
    samples: dict[str, float]  #: by name and labels, as the text has them


def families(registry: CollectorRegistry) -> list[Family]:
    """What a registry knows now; metrics without values are left out, as by Go's library."""
    return [_family(metric) for metric in registry.collect() if metric.samples]


def text(found: Iterable[Family]) -> bytes:
    """The text format."""
    lines: list[str] = []
    for family in found:
        documentation = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
        lines.append(f"# HELP {family.name} {documentation}\n# TYPE {family.name} {family.kind}\n")
        lines += [f"{series} {number(value)}\n" for series, value in family.samples.items()]
    return "".join(lines).encode()


def _family(metric: Metric) -> Family:
    name = metric.samples[0].name if metric.type == "counter" else metric.name
    samples = {series(sample.name, sample.labels): float(sample.value) for sample in metric.samples}
    return Family(name, metric.type, metric.documentation, samples)


def series(name: str, labels: Mapping[str, str]) -> str:
    """What stands before a value."""
    if not labels:
        return name
    shown = ",".join(f'{key}="{_label(key, labels[key])}"' for key in sorted(labels))
    return f"{name}{{{shown}}}"


def _label(key: str, value: str) -> str:
    if key == "le":  # prometheus_client writes whole numbers with a fraction
        return value.removesuffix(".0")
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
