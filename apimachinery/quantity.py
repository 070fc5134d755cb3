"""Resource quantities such as "100m", "1Gi" and "5e3" (k8s.io/apimachinery/pkg/api/resource). Pure.

The arithmetic is exact: an amount is an integer count of nano-units, the finest a quantity can say. The suffix family
in which a quantity was written stays with it, and `str` writes the canonical form in that family."""

from __future__ import annotations

import re
from functools import total_ordering
from typing import Final

from apimachinery.remembering import remembered

DECIMAL_SI: Final = "DecimalSI"
BINARY_SI: Final = "BinarySI"
DECIMAL_EXPONENT: Final = "DecimalExponent"

_NANO: Final = 10**9
_LARGEST: Final = (2**63 - 1) * _NANO

_WRONG_FORMAT: Final = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WRONG_SUFFIX: Final = "unable to parse quantity's suffix"

_SHAPE = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)")
_DECIMAL_SUFFIXES: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_SUFFIXES: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_NAMES: Final = {exponent: name for name, exponent in _DECIMAL_SUFFIXES.items()}
_BINARY_NAMES: Final = {bits: name for name, bits in _BINARY_SUFFIXES.items()}


@total_ordering
class Quantity:
    """An exact amount and the format it is written in; immutable."""

    __slots__ = ("_text", "format", "nanos")

    def __init__(self, nanos: int, format: str = DECIMAL_SI) -> None:
        self.nanos = nanos
        self.format = format
        self._text = ""

    @property
    def is_zero(self) -> bool:
        """Whether the amount is nought."""
        return self.nanos == 0

    def value(self) -> int:
        """The amount in whole units, fractions rounded up."""
        return -(-self.nanos // _NANO)

    def milli_value(self) -> int:
        """The amount in thousandths, rounded up."""
        return -(-self.nanos // 10**6)

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, other.format if self.nanos == 0 else self.format)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, other.format if self.nanos == 0 else self.format)

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self.format)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __bool__(self) -> bool:
        return self.nanos != 0

    def __str__(self) -> str:
        if not self._text:
            self._text = _canonical(self.nanos, self.format)
        return self._text

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"


ZERO: Final = Quantity(0)


def parse(text: str | int | float) -> Quantity:
    """The quantity that a manifest says; raises ValueError with the reference's text."""
    if not isinstance(text, str):
        text = _number_text(text)
    return _parse(text)


def from_value(value: int, format: str = DECIMAL_SI) -> Quantity:
    """A quantity of so many whole units."""
    return Quantity(value * _NANO, format)


def from_milli(value: int, format: str = DECIMAL_SI) -> Quantity:
    """A quantity of so many thousandths."""
    return Quantity(value * 10**6, format)


def _number_text(number: int | float) -> str:
    if isinstance(number, float):
        return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)
    return str(number)


@remembered(8192)
def _parse(text: str) -> Quantity:
    match = _SHAPE.fullmatch(text)
    if match is None or not text:
        raise ValueError(_WRONG_FORMAT)
    sign, whole, fraction, suffix = match[1], match[2].lstrip("0"), match[3] or "", match[4]
    format, base, exponent = _interpret(suffix)
    digits = int((whole + fraction) or "0")
    # Count in nano-units, anything finer rounded away from zero.
    numerator, denominator = digits * _NANO, 10 ** len(fraction)
    if exponent >= 0:
        numerator *= base**exponent
    else:
        denominator *= base**-exponent
    nanos = -(-numerator // denominator)
    # The reference caps only what does not fit its 64-bit form: 18 digits and a decimal scale.
    if base == 2 or len(whole) + len(fraction) > 18:
        nanos = min(nanos, _LARGEST)
    if format == BINARY_SI and 0 < nanos < _NANO:
        format = DECIMAL_SI  # a fraction of one cannot be said with binary suffixes
    return Quantity(-nanos if sign == "-" else nanos, format)


def _interpret(suffix: str) -> tuple[str, int, int]:
    """The format of a suffix, and the base and exponent by which it multiplies."""
    if suffix in _DECIMAL_SUFFIXES:
        return DECIMAL_SI, 10, _DECIMAL_SUFFIXES[suffix]
    if suffix in _BINARY_SUFFIXES:
        return BINARY_SI, 2, _BINARY_SUFFIXES[suffix]
    match = _EXPONENT.fullmatch(suffix)
    if match is None:
        raise ValueError(_WRONG_SUFFIX)
    exponent = int(match[1])
    if abs(exponent) > 2**31 - 1:
        raise ValueError(_WRONG_SUFFIX)
    return DECIMAL_EXPONENT, 10, max(-400, min(400, exponent))  # beyond, every amount is the smallest or largest


def _canonical(nanos: int, format: str) -> str:
    """No fractional digits, no precision lost, and the largest suffix that allows both."""
    if nanos == 0:
        return "0"
    sign, amount = ("-", -nanos) if nanos < 0 else ("", nanos)
    if format == BINARY_SI:
        if amount % _NANO or amount < 1024 * _NANO:
            # What binary suffixes cannot say is written in decimal, as the reference does below 1024 and for fractions.
            format = DECIMAL_SI
        else:
            count, bits = amount // _NANO, 0
            while count % 1024 == 0 and bits < 60:
                count, bits = count // 1024, bits + 10
            return f"{sign}{count}{_BINARY_NAMES.get(bits, '')}"
    exponent = -9
    while amount % 1000 == 0 and (exponent < 18 or format == DECIMAL_EXPONENT):
        amount, exponent = amount // 1000, exponent + 3
    if format == DECIMAL_EXPONENT:
        return f"{sign}{amount}e{exponent}" if exponent else f"{sign}{amount}"
    return f"{sign}{amount}{_DECIMAL_NAMES[exponent]}"
