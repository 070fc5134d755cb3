"""The metrics of several processes as those of one server."""

from __future__ import annotations

from component.family import Family
from component.merging import lasting, merge, same_everywhere


def gauge(name: str, value: float) -> Family:
    return Family(name, "gauge", "Text.", {name: value})


def test_counts_and_shares_are_added_and_new_series_taken_over() -> None:
    one = Family("x_total", "counter", "Text.", {'x_total{a="1"}': 1, 'x_total{a="2"}': 2})
    two = Family("x_total", "counter", "Text.", {'x_total{a="2"}': 3, 'x_total{a="3"}': 4})
    (merged,) = merge([[one], [two]])
    assert merged.samples == {'x_total{a="1"}': 1, 'x_total{a="2"}': 5, 'x_total{a="3"}': 4}
    assert one.samples['x_total{a="2"}'] == 2  # which is asked again
    assert merge([[gauge("in_flight", 2)], [gauge("in_flight", 3)]]) == [gauge("in_flight", 5)]


def test_what_all_say_of_the_same_thing_is_not_added() -> None:
    same_everywhere("test_objects")
    assert merge([[gauge("test_objects", 7)], [gauge("test_objects", 8)]]) == [gauge("test_objects", 8)]
    started = "process_start_time_seconds"
    assert merge([[gauge(started, 20)], [gauge(started, 10)]]) == [gauge(started, 10)]


def test_quantiles_are_not_added() -> None:
    one = Family("s", "summary", "Text.", {'s{quantile="0.5"}': 1, "s_sum": 10, "s_count": 2})
    two = Family("s", "summary", "Text.", {'s{quantile="0.5"}': 3, "s_sum": 20, "s_count": 4})
    (merged,) = merge([[one], [two]])
    assert merged.samples == {'s{quantile="0.5"}': 3, "s_sum": 30, "s_count": 6}


def test_of_an_ended_process_only_its_counts_remain() -> None:
    summary = Family("s", "summary", "Text.", {'s{quantile="0.5"}': 1, "s_sum": 10, "s_count": 2})
    histogram = Family("h", "histogram", "Text.", {'h_bucket{le="+Inf"}': 1, "h_sum": 2, "h_count": 1})
    left = lasting([gauge("in_flight", 2), summary, histogram])
    assert [family.name for family in left] == ["s", "h"]
    assert left[0].samples == {"s_sum": 10, "s_count": 2}
    assert left[1].samples == histogram.samples
