"""Literals of lists and maps: what is in one is of one type, and what is told where it is not."""

from __future__ import annotations

import pytest

from apimachinery.cel import types
from apimachinery.cel.environment import CompileError, Environment, Program

VARIABLES = {
    "x": types.DYN,
    "i": types.INT,
    "o": types.object_of("Thing", {"l": types.list_of(types.INT)}),
}
_NOW = "timestamp('2020-01-01T00:00:00Z')"


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2, i]",
        "[]",
        "[1, x, 2]",
        "[x, 1, 'a']",  # of any type from the beginning
        "[[], [1], []]",
        "[{}, {'a': 1}]",
        "[[1], [x], ['a']]",
        f"[null, {_NOW}, null]",
        "[o, null]",
        "[int, string]",
        "{'a': 1, 'b': x}",
        "[1, 2].map(a, [a, 3])",
        "o.l == [1]",
    ],
)
def test_of_one_type(text: str) -> None:
    Environment(VARIABLES).check(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1, 'a']", ["1:5: expected type 'int' but found 'string'"]),
        ("[1, 2.0]", ["1:5: expected type 'int' but found 'double'"]),
        ("[i, 2u]", ["1:5: expected type 'int' but found 'uint'"]),
        ("[null, 1]", ["1:8: expected type 'null' but found 'int'"]),
        (f"[{_NOW}, duration('1s')]", ["1:45: expected type 'timestamp' but found 'duration'"]),
        ("[o, 1]", ["1:5: expected type 'Thing' but found 'int'"]),
        ("[int, 1]", ["1:7: expected type 'type(int)' but found 'int'"]),
        ("[[], [1], ['a']]", ["1:11: expected type 'list(int)' but found 'list(string)'"]),
        ("{'a': 1, 2: 'b'}", [
            "1:10: expected type 'string' but found 'int'", "1:13: expected type 'int' but found 'string'",
        ]),
        ("[1, 'a', 'b', 1]", [
            "1:5: expected type 'int' but found 'string'", "1:15: expected type 'string' but found 'int'",
        ]),
        ("[{'a': 1}, {'a': 'b'}]", ["1:12: expected type 'map(string, int)' but found 'map(string, string)'"]),
        ("[1, 2].map(a, [a, 'b'])", ["1:19: expected type 'int' but found 'string'"]),
    ],
)  # fmt: skip
def test_of_several_types(text: str, told: list[str]) -> None:
    with pytest.raises(CompileError) as caught:
        Environment(VARIABLES).check(text)
    lines = str(caught.value).split("\n")
    assert lines[::3] == [f"ERROR: <input>:{each}" for each in told]


def test_the_place_is_shown() -> None:
    with pytest.raises(CompileError) as caught:
        Program("x in\n\t['é', 1]", ("x",))
    expected = "ERROR: <input>:2:8: expected type 'string' but found 'int'\n |  ['é', 1]\n | ...．...^"
    assert str(caught.value) == expected
