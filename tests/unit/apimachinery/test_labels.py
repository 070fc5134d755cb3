"""Parsing, printing and matching of label selectors."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import labels

LABELS = {"app": "web", "tier": "front", "n": "5", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app=db", False),
        ("app!=db", True),
        ("missing!=db", True),
        ("app in (db, web)", True),
        ("app notin (db,web)", False),
        ("missing notin (db)", True),
        ("app", True),
        ("!app", False),
        ("!missing", True),
        ("n>4", True),
        ("n<4", False),
        ("app>4", False),
        ("empty=", True),
        ("empty in (,x)", True),
        ("app=web,tier=front,!x", True),
        ("app=web,tier=back", False),
    ],
)
def test_matching(text: str, matches: bool) -> None:
    assert labels.parse(text).matches(LABELS) is matches


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("b=1,a!=2", "a!=2,b=1"),
        ("x in (b,a)", "x in (a,b)"),
        ("x notin ( b )", "x notin (b)"),
        ("!x , y", "!x,y"),
        ("in=notin", "in=notin"),
        ("a in (in,notin)", "a in (in,notin)"),
        ("a=,b", "a=,b"),
    ],
)
def test_printed_form_means_the_same(text: str, printed: str) -> None:
    selector = labels.parse(text)
    assert str(selector) == printed
    assert labels.parse(printed) == selector


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("=x", "found '=', expected: !, identifier, or 'end of string'"),
        ("!=x", "found '!=', expected: !, identifier, or 'end of string'"),
        ("!=", "found '!=', expected: !, identifier, or 'end of string'"),
        ("!!x", "unable to parse requirement: found '!', expected: identifier"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
        (
            "a in ()",
            "unable to parse requirement: values: Invalid value: []: "
            "for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            "a>x",
            'unable to parse requirement: values[0]: Invalid value: "x": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_errors(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:
        labels.parse(text)
    assert str(caught.value) == error


def test_a_number_of_thousands_of_digits_is_none() -> None:
    with pytest.raises(ValueError, match="for 'Gt', 'Lt' operators, the value must be an integer"):
        labels.parse("a>" + "9" * 5000)


def test_bad_keys_and_values_are_named() -> None:
    with pytest.raises(ValueError, match=r'^unable to parse requirement: <nil>: Invalid value: "-a": name part must'):
        labels.parse("-a=b")
    with pytest.raises(ValueError, match=r'values\[0\]\[a\]: Invalid value: "b-": a valid label must be'):
        labels.parse("a=b-")


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "db"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}, {"key": "x", "operator": "DoesNotExist"}]}, True),
        (
            {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "n", "operator": "NotIn", "values": ["5"]}]},
            False,
        ),
    ],
)
def test_structured_selectors(selector: dict[str, Any] | None, matches: bool) -> None:
    assert labels.from_label_selector(selector).matches(LABELS) is matches


def test_structured_selector_errors() -> None:
    with pytest.raises(ValueError, match='"Near" is not a valid label selector operator'):
        labels.from_label_selector({"matchExpressions": [{"key": "a", "operator": "Near"}]})


def test_nothing_and_everything() -> None:
    assert labels.EVERYTHING.empty and not labels.NOTHING.empty
    assert not labels.NOTHING.matches({})
    assert labels.from_map({}).empty
    assert str(labels.from_map({"b": "2", "a": "1"})) == "a=1,b=2"
