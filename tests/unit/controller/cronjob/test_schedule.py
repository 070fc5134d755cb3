"""When schedules come due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controller.cronjob.schedule import latest_due, parse


def at(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "due"),
    [
        ("* * * * *", "", "2026-01-01 12:00:30", "2026-01-01 12:01:00"),
        ("* * * * *", "", "2026-01-01 12:00:00", "2026-01-01 12:01:00"),
        ("*/15 * * * *", "", "2026-01-01 12:16:00", "2026-01-01 12:30:00"),
        ("30 6 * * *", "", "2026-01-01 12:00:00", "2026-01-02 06:30:00"),
        ("0 0 1 * *", "", "2026-01-31 12:00:00", "2026-02-01 00:00:00"),
        ("0 0 * * mon-fri", "", "2026-01-02 12:00:00", "2026-01-05 00:00:00"),
        ("0 0 13 * fri", "", "2026-01-03 00:00:00", "2026-01-09 00:00:00"),
        ("0 0 29 2 *", "", "2026-01-01 00:00:00", "2028-02-29 00:00:00"),
        ("5/20 * * * *", "", "2026-01-01 12:10:00", "2026-01-01 12:25:00"),
        ("@hourly", "", "2026-01-01 12:10:00", "2026-01-01 13:00:00"),
        ("0 9 * * *", "Europe/Berlin", "2026-07-01 00:00:00", "2026-07-01 07:00:00"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 00:00:00", "2026-03-30 00:30:00"),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "", "2026-01-01 12:00:00", "2026-01-02 00:00:00"),
    ],
)
def test_next(schedule: str, zone: str, after: str, due: str) -> None:
    assert parse(schedule, zone).after(at(after)) == at(due)


def test_never() -> None:
    assert parse("0 0 30 2 *").after(at("2026-01-01 00:00:00")) is None
    for wrong in ("", "* * * *", "61 * * * *", "x * * * *"):
        with pytest.raises(ValueError, match=r"."):
            parse(wrong)


@pytest.mark.parametrize(
    ("schedule", "since", "now", "due"),
    [
        ("* * * * *", "2026-01-01 12:00:00", "2026-01-01 12:00:59", None),
        ("* * * * *", "2026-01-01 12:00:00", "2026-01-01 12:01:00", "2026-01-01 12:01:00"),
        ("* * * * *", "2024-01-01 12:00:00", "2026-01-01 12:03:30", "2026-01-01 12:03:00"),
        ("0 0 1 1 *", "2020-06-01 12:00:00", "2026-05-01 12:00:00", "2026-01-01 00:00:00"),
        ("0 3 * * *", "2026-01-01 12:00:00", "2026-01-05 02:59:00", "2026-01-04 03:00:00"),
    ],
)
def test_the_latest_that_is_due(schedule: str, since: str, now: str, due: str | None) -> None:
    assert latest_due(parse(schedule), at(since), at(now)) == (at(due) if due else None)
