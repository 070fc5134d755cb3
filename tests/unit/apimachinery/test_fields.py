"""Field selectors: terms, escapes and matching."""

from __future__ import annotations

import pytest

from apimachinery import fields


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=a", True),
        ("metadata.name==a", True),
        ("metadata.name!=a", False),
        ("spec.nodeName=", True),
        ("spec.nodeName!=x,metadata.name=a", True),
        (",metadata.name=a,", True),
    ],
)
def test_matching(text: str, matches: bool) -> None:
    assert fields.parse(text).matches({"metadata.name": "a"}) is matches


def test_escapes_survive_printing() -> None:
    selector = fields.parse(r"a=x\,y\=z\\")
    assert selector.requirements == (fields.FieldRequirement("a", "=", "x,y=z\\"),)
    assert fields.parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("abc", "invalid selector: 'abc'; can't understand 'abc'"),
        ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_errors(text: str, error: str) -> None:
    with pytest.raises(ValueError) as caught:
        fields.parse(text)
    assert str(caught.value) == error


def test_the_exact_value_of_a_field() -> None:
    selector = fields.parse("a!=1,a=2")
    assert selector.exact("a") == "2"
    assert selector.exact("b") is None
