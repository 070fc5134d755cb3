"""Values as Go prints them."""

from __future__ import annotations

import pytest

from api.gosyntax import quantity_value
from apimachinery import quantity


@pytest.mark.parametrize(
    ("text", "value", "scale", "kept", "format_"),
    [
        ("0", 0, 0, "0", "DecimalSI"),
        ("-5", -5, 0, "-5", "DecimalSI"),
        ("1.5", 15, -1, "", "DecimalSI"),
        ("5k", 5, 3, "5k", "DecimalSI"),
        ("5e3", 5, 3, "5e3", "DecimalExponent"),
        ("10Gi", 10 * 2**30, 0, "10Gi", "BinarySI"),
        ("8Gi", 8 * 2**30, 0, "", "BinarySI"),
    ],
)
def test_quantities(text: str, value: int, scale: int, kept: str, format_: str) -> None:
    assert quantity_value(quantity.parse(text)) == (
        f"resource.Quantity{{i:resource.int64Amount{{value:{value}, scale:{scale}}}, "
        f'd:resource.infDecAmount{{Dec:(*inf.Dec)(nil)}}, s:"{kept}", Format:"{format_}"}}'
    )
