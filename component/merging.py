"""The metrics of several processes as those of the one server that they are. Pure but for the table of rules.

Counters, histograms and the counts of summaries are added, and so are gauges: memory, requests in flight, seats. What
is no part of a whole says so where it is declared: `same_everywhere` for what every process says of the same thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import add

from component.family import Family

Combine = Callable[[float, float], float]

_rules: dict[str, Combine] = {"process_start_time_seconds": min}


def same_everywhere(*names: str) -> None:
    """These gauges are not shared out among the processes: the largest value is the server's."""
    _rules.update(dict.fromkeys(names, max))


def merge(dumps: Iterable[Sequence[Family]]) -> list[Family]:
    """One family for each name, in the order in which they first come."""
    found: dict[str, Family] = {}
    for dump in dumps:
        for family in dump:
            known = found.get(family.name)
            if known is None:
                found[family.name] = replace(family, samples=dict(family.samples))
            else:
                _take(known, family)
    return list(found.values())


def lasting(dump: Sequence[Family]) -> list[Family]:
    """What remains of a process that has ended: its counts, or they would go down. Its gauges end with it."""
    return [replace(family, samples=_counts(family)) for family in dump if family.kind != "gauge"]


def _take(known: Family, more: Family) -> None:
    rule: Combine = _rules.get(known.name) or add
    samples = known.samples
    for series, value in more.samples.items():
        if series not in samples:
            samples[series] = value
        elif _is_quantile(known, series):
            samples[series] = max(samples[series], value)
        else:
            samples[series] = rule(samples[series], value)


def _counts(family: Family) -> dict[str, float]:
    return {series: value for series, value in family.samples.items() if not _is_quantile(family, series)}


def _is_quantile(family: Family, series: str) -> bool:
    """Of a summary, what is neither its sum nor its count."""
    return family.kind == "summary" and series.partition("{")[0] == family.name
