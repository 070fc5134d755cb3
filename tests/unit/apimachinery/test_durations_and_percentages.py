"""Ages for tables, and values that may be a percentage."""

from __future__ import annotations

import pytest

from apimachinery import intorstring
from apimachinery.duration import human_duration

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (-0.5, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 5, "2m5s"),
        (10 * MINUTE + 5, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 5 * MINUTE, "3h5m"),
        (8 * HOUR + 5 * MINUTE, "8h"),
        (48 * HOUR, "2d"),
        (50 * HOUR, "2d2h"),
        (8 * DAY + 5 * HOUR, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + 3 * DAY, "2y3d"),
        (8 * YEAR + 3 * DAY, "8y"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "total", "up", "down"),
    [(3, 10, 3, 3), ("25%", 10, 3, 2), ("0%", 10, 0, 0), ("100%", 7, 7, 7), ("150%", 3, 5, 4)],
)
def test_scaled_value(value: int | str, total: int, up: int, down: int) -> None:
    assert intorstring.scaled_value(value, total, round_up=True) == up
    assert intorstring.scaled_value(value, total, round_up=False) == down


@pytest.mark.parametrize("value", ["", "25", "%", "a%"])
def test_what_is_no_percentage_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="string is not a percentage"):
        intorstring.scaled_value(value, 10, round_up=True)
