"""The metrics of hot paths say the same as prometheus_client's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram

from component.counter import LightCounter
from component.exposition import families, text
from component.histogram import LightHistogram, Observations

_BUCKETS = (0.5, 1.0, 2.5)


@given(st.lists(st.floats(0, 5).map(lambda value: round(value, 2)), max_size=20))
def test_the_text_is_that_of_the_library(values: list[float]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    light = LightHistogram("x_seconds", "Text.", ("a",), buckets=_BUCKETS, registry=ours)
    usual = Histogram("x_seconds", "Text.", ("a",), buckets=_BUCKETS, registry=theirs)
    for value in values:
        light.labels("1").observe(value)
        usual.labels("1").observe(value)
    wanted = [line for line in text(families(theirs)).splitlines() if b"_created" not in line]
    assert sorted(text(families(ours)).splitlines()) == sorted(wanted)
    assert ours.get_sample_value("x_seconds_sum", {"a": "1"}) == theirs.get_sample_value("x_seconds_sum", {"a": "1"})


def test_a_counter_is_that_of_the_library_but_for_names_without_total() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    light = LightCounter("x_total", "Text.", ("a",), registry=ours)
    usual = Counter("x_total", "Text.", ("a",), registry=theirs)
    for amount in (1, 2.5):
        light.labels("1").inc(amount)
        usual.labels("1").inc(amount)
    wanted = [line for line in text(families(theirs)).splitlines() if b"_created" not in line]
    assert text(families(ours)).splitlines() == wanted
    attempts = CollectorRegistry()
    LightCounter("attempts", "Text.", registry=attempts).labels().inc()
    assert text(families(attempts)) == b"# HELP attempts Text.\n# TYPE attempts counter\nattempts 1\n"


def test_the_same_value_several_times() -> None:
    light = LightHistogram("y_bytes", "Text.", (), buckets=_BUCKETS, registry=CollectorRegistry())
    light.labels().observe_many(3, 2.0)
    assert (light.labels().count, light.labels().total) == (3, 6.0)
    assert list(light.labels().cumulated()) == [0, 0, 3, 3]


def test_labels_that_are_too_few_are_refused() -> None:
    light = LightHistogram("z", "Text.", ("a", "b"), buckets=_BUCKETS, registry=CollectorRegistry())
    with pytest.raises(ValueError, match="has the labels"):
        light.labels("1")


def test_a_counter_of_observations_needs_no_counting() -> None:
    registry = CollectorRegistry()
    seconds = LightHistogram("x_seconds", "Text.", ("a",), buckets=_BUCKETS, registry=registry)
    Observations("x_attempts", "How often.", seconds, registry=registry)
    seconds.labels("1").observe(0.7)
    seconds.labels("1").observe(9.0)
    shown = text(families(registry)).splitlines()
    assert b"# TYPE x_attempts counter" in shown
    assert b'x_attempts{a="1"} 2' in shown
