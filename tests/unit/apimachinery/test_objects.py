"""Times as objects have them."""

from __future__ import annotations

from datetime import UTC, datetime

from apimachinery.objects import format_micro_time, format_time, parse_time


def test_years_have_four_digits() -> None:
    first = datetime(1, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert format_time(first) == "0001-01-01T00:00:02Z"
    assert format_micro_time(first) == "0001-01-01T00:00:02.000000Z"
    assert parse_time(format_micro_time(first)) == first
