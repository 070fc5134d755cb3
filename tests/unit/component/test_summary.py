"""Summaries: totals of everything, quantiles of the newest."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from component.exposition import families, text
from component.summary import LightSummary, quantile


@pytest.mark.parametrize(("part", "value"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.9, 4.0), (1.0, 4.0)])
def test_quantiles(part: float, value: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], part) == value


def test_old_values_count_and_are_forgotten_by_the_quantiles() -> None:
    registry = CollectorRegistry()
    child = LightSummary("x", "Text.", ("a",), registry=registry).labels("1")
    for value in (100.0,) * 10 + (1.0,) * 500:
        child.observe(value)
    lines = text(families(registry)).decode().splitlines()[2:]
    assert lines[:3] == [f'x{{a="1",quantile="{part}"}} 1' for part in ("0.5", "0.9", "0.99")]
    assert lines[3:] == ['x_sum{a="1"} 1500', 'x_count{a="1"} 510']
