"""The simple JSONPath of printer columns and scale paths: fields, quoted fields, indexes, one filter per list. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

#: From a value to the values that the path leads to.
Step = Callable[[Any], Iterator[Any]]

_TOKEN: Final = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\\])+)"""
    r"""|\[(?P<index>-?\d+)\]"""
    r"""|\[['"](?P<quoted>[^'"]*)['"]\]"""
    r"""|(?P<all>\[\*\])"""
    r"""|\[\?\(@(?P<left>(?:\.[\w-]+)+)\s*(?P<relation>==|!=)\s*(?P<right>"[^"]*"|'[^']*'|[^)]*?)\s*\)\]"""
)


def compile_path(text: str) -> Step | None:
    """The function of a path; None where it is none."""
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        steps.append(_step(found))
        at = found.end()
    return _chain(steps)


def _chain(steps: list[Step]) -> Step:
    def walk(value: Any) -> Iterator[Any]:
        values = [value]
        for step in steps:
            values = [inner for outer in values for inner in step(outer)]
        return iter(values)

    return walk


def _step(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return _indexed(int(found["index"]))
    if found["all"] is not None:
        return lambda value: iter(value if isinstance(value, list) else ())
    if found["left"] is not None:
        return _filtered(found["left"][1:].split("."), found["right"].strip("\"'"), found["relation"] == "==")
    name = found["quoted"] if found["quoted"] is not None else re.sub(r"\\(.)", r"\1", found["field"])
    return _field(name)


def _field(name: str) -> Step:
    return lambda value: iter((value[name],) if isinstance(value, dict) and name in value else ())


def _indexed(index: int) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _filtered(left: list[str], right: str, equal: bool) -> Step:
    def step(value: Any) -> Iterator[Any]:
        for item in value if isinstance(value, list) else ():
            found = item
            for name in left:
                found = found.get(name) if isinstance(found, dict) else None
            if found is not None and (_text(found) == right) == equal:
                yield item

    return step


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
