"""When a cron schedule comes due (the rules of robfig/cron, which the reference uses). Pure.

Times are those of the schedule's zone; where neither day field is "*" either of them is enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from api.batch.schedule import schedule_problem

_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_NAMES = {
    name: number
    for names, first in (
        (("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1),
        (("sun", "mon", "tue", "wed", "thu", "fri", "sat"), 0),
    )
    for number, name in enumerate(names, first)
}
_HORIZON_DAYS = 5 * 366


@dataclass(frozen=True, slots=True)
class Schedule:
    """Allowed values per field."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool  #: whether one of the two day fields is "*": then both must hold
    zone: tzinfo

    def after(self, moment: datetime) -> datetime | None:
        """The first time after `moment`, in UTC; None where there is none in five years (February 30th)."""
        local = moment.astimezone(self.zone).replace(tzinfo=None, second=0, microsecond=0) + timedelta(minutes=1)
        for _ in range(_HORIZON_DAYS):
            if local.month in self.months and self._day_matches(local):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        if (hour, minute) < (local.hour, local.minute):
                            continue
                        found = local.replace(hour=hour, minute=minute, tzinfo=self.zone).astimezone(UTC)
                        # An hour that the clocks skip is not a time of that day.
                        if found.astimezone(self.zone).hour == hour and found > moment:
                            return found
            local = local.replace(hour=0, minute=0) + timedelta(days=1)
        return None

    def _day_matches(self, day: datetime) -> bool:
        in_month, in_week = day.day in self.days, (day.weekday() + 1) % 7 in self.weekdays
        return in_month and in_week if self.any_day else in_month or in_week


def parse(text: str, zone: str = "") -> Schedule:
    """The schedule of a CronJob; raises ValueError for one that cannot be read."""
    problem = schedule_problem(text)
    if problem:
        raise ValueError(problem)
    if text.startswith(("TZ=", "CRON_TZ=")):
        prefix, _, text = text.partition(" ")
        zone = zone or prefix.partition("=")[2]
    text = _DESCRIPTORS.get(text.strip(), text.strip())
    fields = text.split()
    if len(fields) != len(_RANGES):
        raise ValueError(f"unsupported schedule: {text}")
    minutes, hours, days, months, weekdays = (
        _values(item, *limits) for item, limits in zip(fields, _RANGES, strict=True)
    )
    any_day = fields[2][0] in "*?" or fields[4][0] in "*?"
    try:
        where: tzinfo = ZoneInfo(zone) if zone else UTC
    except (KeyError, OSError) as error:
        raise ValueError(f"unknown time zone {zone}") from error
    return Schedule(minutes, hours, days, months, weekdays, any_day, where)


def _values(text: str, low: int, high: int) -> frozenset[int]:
    out: set[int] = set()
    for part in filter(None, text.split(",")):
        extent, _, step = part.partition("/")
        if extent[0] in "*?":
            first, last = low, high
        else:
            begin, _, end = extent.partition("-")
            first = _number(begin)
            last = _number(end) if end else high if step else first
        out.update(range(first, last + 1, int(step or 1)))
    return frozenset(out)


def _number(text: str) -> int:
    named = _NAMES.get(text.lower())
    return int(text) if named is None else named


def latest_due(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """The latest time after `since` that has come by `now`, None for none; long gaps are skipped over."""
    found = schedule.after(since)
    if found is None or found > now:
        return None
    step = timedelta(minutes=1)
    begin = now
    while begin > found:
        # Look back ever further for a due time close to now, instead of walking through all that were missed.
        begin = max(now - step, found - timedelta(minutes=1))
        candidate = schedule.after(begin)
        if candidate is not None and candidate <= now:
            found = candidate
            break
        step *= 4
    while (following := schedule.after(found)) is not None and following <= now:
        found = following
    return found
