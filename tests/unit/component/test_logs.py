"""Log lines, and what --v and --vmodule let through."""

from __future__ import annotations

import json
import logging
import re

import pytest

from component.logs import JsonFormatter, KeyValueFormatter, VerbosityFilter


def record(name: str = "scheduler.loop", level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.getLogger(name).makeRecord(name, level, "file", 1, 'Bound "pod"', (), None, extra=extra)
    assert isinstance(made, logging.LogRecord)
    return made


def test_a_line() -> None:
    line = KeyValueFormatter().format(record(pod="default/web", why="not so\nsimple", empty=""))
    stamp, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stamp)
    assert rest == r'I scheduler.loop msg="Bound \"pod\"" pod=default/web why="not so\nsimple" empty=""'


def test_a_line_of_json() -> None:
    made = record(pod="default/web", nodes={"n1"})
    assert json.loads(JsonFormatter().format(made)) == {
        "ts": pytest.approx(made.created * 1000, abs=1), "caller": "file:1", "logger": "scheduler.loop",
        "msg": 'Bound "pod"', "v": 0, "pod": "default/web", "nodes": "{'n1'}",
    }  # fmt: skip


def test_an_error_in_json_has_its_traceback_and_no_verbosity() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        made = record(level=logging.ERROR)
        made.exc_info = (ValueError, error, error.__traceback__)
    line = json.loads(JsonFormatter().format(made))
    assert "ValueError: boom" in line["err"]
    assert "v" not in line


def test_a_traceback_is_one_value_on_the_same_line() -> None:
    try:
        raise ValueError("boom")
    except ValueError as error:
        made = record(level=logging.ERROR)
        made.exc_info = (ValueError, error, error.__traceback__)
    line = KeyValueFormatter().format(made)
    assert "\n" not in line
    assert "ValueError: boom" in line


@pytest.mark.parametrize(
    ("v", "modules", "name", "passes"),
    [
        (0, {}, "a.b", False),
        (4, {}, "a.b", True),
        (0, {"b": 5}, "a.b", True),
        (0, {"b": 5}, "a.c", False),
        (5, {"b": 0}, "a.b", False),
        (0, {"sched*": 4}, "x.scheduler", True),
    ],
)
def test_debug_passes(v: int, modules: dict[str, int], name: str, passes: bool) -> None:
    assert VerbosityFilter(v, modules).filter(record(name, logging.DEBUG)) is passes
    assert VerbosityFilter(v, modules).filter(record(name, logging.INFO))
