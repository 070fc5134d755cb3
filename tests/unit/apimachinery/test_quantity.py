"""Quantities: what is accepted, its canonical form, and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import quantity
from apimachinery.quantity import Quantity


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0", "0"),
        ("0Gi", "0"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1.5Gi", "1536Mi"),
        ("0.5Mi", "512Ki"),
        ("1024Ki", "1Mi"),
        ("1023Ki", "1023Ki"),
        ("1Ki", "1Ki"),
        ("1e3", "1e3"),
        ("1E3", "1e3"),
        ("1.5e3", "1500"),
        ("12e6", "12e6"),
        ("1E", "1E"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("+1", "1"),
        ("1.", "1"),
        (".5", "500m"),
        ("-1500m", "-1500m"),
        ("100000", "100k"),
        ("0.0001Ki", "102400u"),
        ("10000000000000000000000000", "9223372036854775807"),
        (1, "1"),
        (1.5, "1500m"),
        (2.0, "2"),
    ],
)
def test_canonical_form(written: str | int | float, canonical: str) -> None:
    assert str(quantity.parse(written)) == canonical


@pytest.mark.parametrize("text", ["", "abc", "1 Gi", "1.2.3", "1gi", "1Gi ", "Gi1x"])
def test_what_has_not_the_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="quantities must match the regular expression"):
        quantity.parse(text)


@pytest.mark.parametrize("text", ["1e", "1K", "--1", "1+5", "1GG"])
def test_unknown_suffixes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="unable to parse quantity's suffix"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "value", "milli"),
    [("1", 1, 1000), ("1m", 1, 1), ("1u", 1, 1), ("-1500m", -1, -1500), ("1Ki", 1024, 1_024_000), ("0", 0, 0)],
)
def test_rounding_goes_up(text: str, value: int, milli: int) -> None:
    assert quantity.parse(text).value() == value
    assert quantity.parse(text).milli_value() == milli


def test_sums_keep_the_format_of_the_first_that_is_not_zero() -> None:
    assert str(quantity.parse("1Gi") + quantity.parse("1024Mi")) == "2Gi"
    assert str(quantity.parse("0") + quantity.parse("1Gi")) == "1Gi"
    assert str(quantity.parse("2Gi") - quantity.parse("1Gi")) == "1Gi"
    assert str(-quantity.parse("100m")) == "-100m"
    assert (quantity.parse("1") - quantity.parse("1000m")).is_zero


def test_comparison_is_by_amount() -> None:
    assert quantity.parse("1Gi") > quantity.parse("1G")
    assert quantity.parse("1000m") == quantity.parse("1")
    assert hash(quantity.parse("1000m")) == hash(quantity.parse("1"))
    assert quantity.from_milli(250) == quantity.parse("0.25")
    assert quantity.from_value(3) == quantity.parse("3")


amounts = st.builds(
    Quantity,
    st.integers(-(10**24), 10**24),
    st.sampled_from([quantity.DECIMAL_SI, quantity.BINARY_SI, quantity.DECIMAL_EXPONENT]),
)


@given(amounts)
def test_the_canonical_form_says_the_same_amount(amount: Quantity) -> None:
    assert quantity.parse(str(amount)) == amount


@given(amounts, amounts)
def test_arithmetic_is_exact(left: Quantity, right: Quantity) -> None:
    assert Fraction((left + right).nanos) == Fraction(left.nanos) + Fraction(right.nanos)
    assert (left + right) - right == left
    assert left + (-left) == quantity.ZERO
