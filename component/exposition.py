"""The text format 0.0.4 of metrics (https://prometheus.io/docs/instrumenting/exposition_formats/).

prometheus_client's own writer gives every counter the suffix _total, also those of the real daemons that have none,
shows metrics that have no value yet, and takes several times as long."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import Metric
from prometheus_client.registry import CollectorRegistry

from component.family import Family, number, series
from component.lightmetric import LightMetric


def families(registry: CollectorRegistry) -> list[Family]:
    """What a registry knows now; metrics without values are left out, as by Go's library."""
    found: list[Family] = []
    for collector in tuple(registry._collector_to_names):
        if isinstance(collector, LightMetric):
            found.append(collector.family())
        else:
            found += [_family(metric) for metric in collector.collect() if metric.samples]
    return [family for family in found if family.samples]


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
