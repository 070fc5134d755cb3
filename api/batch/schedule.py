"""The syntax of a CronJob's schedule: five fields, or a descriptor such as "@daily".

Pure. Only says what is wrong with a schedule, in the words of the parser that the reference uses (robfig/cron)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_DESCRIPTORS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DURATION = re.compile(r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))+|0")
_MAX_VALUE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Field:
    low: int
    high: int
    names: dict[str, int] = field(default_factory=dict)


_FIELDS = (
    _Field(0, 59),
    _Field(0, 23),
    _Field(1, 31),
    _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field(0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def schedule_problem(schedule: str) -> str:
    """What is wrong with the schedule, "" when nothing is. A zone before it is not looked up here."""
    if not schedule:
        return "empty spec string"
    if schedule.startswith(("TZ=", "CRON_TZ=")):
        zone, _, schedule = schedule.partition(" ")
        schedule = schedule.strip()
        if not schedule:
            return f"provided bad location {zone.partition('=')[2]}: missing schedule"
    if schedule.startswith("@"):
        return _descriptor_problem(schedule)
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    for text, rule in zip(fields, _FIELDS, strict=True):
        for part in text.split(","):
            if part and (problem := _range_problem(part, rule)):
                return problem
    return ""


def _descriptor_problem(text: str) -> str:
    if text in _DESCRIPTORS:
        return ""
    if text.startswith("@every "):
        duration = text.removeprefix("@every ")
        if _DURATION.fullmatch(duration):
            return ""
        return f'failed to parse duration {text}: time: invalid duration "{duration}"'
    return f"unrecognized descriptor: {text}"


def _range_problem(text: str, rule: _Field) -> str:
    extent, *steps = text.split("/")
    bounds = extent.split("-")
    if bounds[0] in ("*", "?"):
        low, high = rule.low, rule.high
    else:
        if len(bounds) > 2:
            return f"too many hyphens: {text}"
        numbers = []
        for bound in bounds:
            number = _number(bound, rule)
            if isinstance(number, str):
                return number
            numbers.append(number)
        low, high = numbers[0], numbers[-1]
    if len(steps) > 1:
        return f"too many slashes: {text}"
    step = 1
    if steps:
        parsed = _number(steps[0], _Field(0, 0))
        if isinstance(parsed, str):
            return parsed
        step = parsed
        if len(bounds) == 1:
            high = rule.high
    if low < rule.low:
        return f"beginning of range ({low}) below minimum ({rule.low}): {text}"
    if high > rule.high:
        return f"end of range ({high}) above maximum ({rule.high}): {text}"
    if low > high:
        return f"beginning of range ({low}) beyond end of range ({high}): {text}"
    return "" if step else f"step of range should be a positive number: {text}"


def _number(text: str, rule: _Field) -> int | str:
    """The number, or why it is none."""
    named = rule.names.get(text.lower())
    if named is not None:
        return named
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax'
    number = int(text)
    if number > _MAX_VALUE:
        return f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": value out of range'
    return f"negative number ({number}) not allowed: {text}" if number < 0 else number
