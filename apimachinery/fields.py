"""Field selectors such as "status.phase!=Running,metadata.name=x" (k8s.io/apimachinery/pkg/fields).

Pure. Which fields a kind can be selected by is said by `api`; here every field name is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_OPERATORS: Final = ("!=", "==", "=")
_ESCAPED: Final = ("\\", ",", "=")


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One comparison; `operator` is "=" or "!="."""

    field: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{escape(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """A conjunction of comparisons, in the order in which they are written."""

    requirements: tuple[FieldRequirement, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether every object matches."""
        return not self.requirements

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether the fields meet every comparison; an absent field counts as the empty text."""
        return all(
            (fields.get(wanted.field, "") == wanted.value) == (wanted.operator == "=") for wanted in self.requirements
        )

    def exact(self, field: str) -> str | None:
        """The value that the field must have, where the selector says so."""
        for wanted in self.requirements:
            if wanted.field == field and wanted.operator == "=":
                return wanted.value
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING: Final = FieldSelector()


def escape(value: str) -> str:
    r"""A value with backslash, comma and equals sign escaped by a backslash."""
    return "".join("\\" + char if char in _ESCAPED else char for char in value)


def parse(text: str) -> FieldSelector:
    """The selector that a `fieldSelector` parameter says; raises ValueError with the reference's text."""
    found: list[FieldRequirement] = []
    for term in _terms(text):
        if not term:
            continue
        split = _split(term)
        if split is None:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = split
        found.append(FieldRequirement(field, "!=" if operator == "!=" else "=", _unescape(value)))
    return FieldSelector(tuple(found))


def _terms(text: str) -> list[str]:
    """The text cut at the commas that no backslash escapes."""
    terms: list[str] = []
    start, escaped = 0, False
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == ",":
            terms.append(text[start:at])
            start = at + 1
    terms.append(text[start:])
    return terms


def _split(term: str) -> tuple[str, str, str] | None:
    for at in range(len(term)):
        for operator in _OPERATORS:
            if term.startswith(operator, at):
                return term[:at], operator, term[at + len(operator) :]
    return None


def _unescape(value: str) -> str:
    out: list[str] = []
    escaped = False
    for char in value:
        if escaped:
            if char not in _ESCAPED:
                raise ValueError(f"invalid field selector: invalid escape sequence: \\{char}")
            out.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            raise ValueError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            out.append(char)
    if escaped:
        raise ValueError("invalid field selector: invalid escape sequence: \\")
    return "".join(out)
