"""The text format of metrics."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Gauge, Histogram

from component.exposition import families, text
from component.family import number, series


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"), (-1.0, "-1"), (0.005, "0.005"), (0.0001, "0.0001"), (1e-5, "1e-05"), (999_999.0, "999999"),
        (1e6, "1e+06"), (1_234_567.0, "1.234567e+06"), (-1_234_567.5, "-1.2345675e+06"), (1e16, "1e+16"),
        (1_700_990_000.25, "1.70099000025e+09"), (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"),
    ],
)  # fmt: skip
def test_numbers_are_as_go_writes_them(value: float, written: str) -> None:
    assert number(value) == written


def test_labels_are_sorted_and_escaped() -> None:
    assert series("up", {}) == "up"
    assert series("up", {"le": "5.0", "zone": "z"}) == 'up{zone="z",le="5"}'
    assert series("up", {"b": 'say "\\"\n', "a": "1.0"}) == r'up{a="1.0",b="say \"\\\"\n"}'


def test_bounds_of_the_library_are_written_as_go_does() -> None:
    registry = CollectorRegistry()
    Histogram("x", "Text.", buckets=(1.0, 2.5), registry=registry).observe(2)
    shown = text(families(registry)).decode()
    assert 'x_bucket{le="1"} 0\nx_bucket{le="2.5"} 1\nx_bucket{le="+Inf"} 1\nx_count 1\nx_sum 2\n' in shown


def test_what_has_no_value_is_not_shown() -> None:
    registry = CollectorRegistry()
    Gauge("idle", "Text.", ("a",), registry=registry)
    assert text(families(registry)) == b""
