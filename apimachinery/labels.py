"""Label selectors: parsing, the structured LabelSelector, and matching (k8s.io/apimachinery/pkg/labels).

Pure. Errors are ValueError with the reference's texts. The lexer of the string form is in `labels_lexer.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apimachinery import fielderrors, names
from apimachinery.fielderrors import FieldError
from apimachinery.integers import parse_int64
from apimachinery.labels_lexer import Token, tokens
from apimachinery.remembering import remembered

EQUALS: Final = "="
DOUBLE_EQUALS: Final = "=="
NOT_EQUALS: Final = "!="
IN: Final = "in"
NOT_IN: Final = "notin"
EXISTS: Final = "exists"
DOES_NOT_EXIST: Final = "!"
GREATER_THAN: Final = "gt"
LESS_THAN: Final = "lt"

_BINARY: Final = {
    Token.IN: IN,
    Token.NOT_IN: NOT_IN,
    Token.EQUALS: EQUALS,
    Token.DOUBLE_EQUALS: DOUBLE_EQUALS,
    Token.NOT_EQUALS: NOT_EQUALS,
    Token.GREATER_THAN: GREATER_THAN,
    Token.LESS_THAN: LESS_THAN,
}
_SIGN: Final = {EQUALS: "=", DOUBLE_EQUALS: "==", NOT_EQUALS: "!=", GREATER_THAN: ">", LESS_THAN: "<"}
_FROM_EXPRESSION: Final = {"In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label; `values` are sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet this condition."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        number = _int64(value) if value is not None else None
        if number is None:
            return False
        bound = int(self.values[0])
        return number > bound if self.operator == GREATER_THAN else number < bound

    def __str__(self) -> str:
        if self.operator == EXISTS:
            return self.key
        if self.operator == DOES_NOT_EXIST:
            return f"!{self.key}"
        if self.operator in (IN, NOT_IN):
            return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{_SIGN[self.operator]}{self.values[0]}"


class Selector:
    """A conjunction of requirements, or (NOTHING) what no labels meet. Immutable; equal when written alike."""

    __slots__ = ("_equal", "_other", "_text", "nothing", "requirements")

    def __init__(self, requirements: Iterable[Requirement], *, nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self.nothing = nothing
        # Equalities, which most selectors consist of, are compared without a call each.
        self._equal = tuple(
            (requirement.key, requirement.values[0])
            for requirement in self.requirements
            if requirement.operator in (EQUALS, DOUBLE_EQUALS)
        )
        self._other = tuple(
            requirement for requirement in self.requirements if requirement.operator not in (EQUALS, DOUBLE_EQUALS)
        )
        self._text = ",".join(map(str, self.requirements))

    @property
    def empty(self) -> bool:
        """Whether every object matches."""
        return not self.requirements and not self.nothing

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet every requirement."""
        for key, value in self._equal:
            if labels.get(key) != value:
                return False
        for requirement in self._other:
            if not requirement.matches(labels):
                return False
        return not self.nothing

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Selector(nothing)" if self.nothing else f"Selector({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Selector) and self._text == other._text and self.nothing == other.nothing

    def __hash__(self) -> int:
        return hash((self._text, self.nothing))


EVERYTHING: Final = Selector(())
NOTHING: Final = Selector((), nothing=True)


def from_map(wanted: Mapping[str, str] | None) -> Selector:
    """The selector of labels equal to these; not checked, as what a Service or ReplicationController selects by."""
    return Selector(Requirement(key, EQUALS, (value,)) for key, value in (wanted or {}).items())


def from_label_selector(selector: Mapping[str, Any] | None) -> Selector:
    """A metav1.LabelSelector: None selects nothing, an empty one everything. Raises ValueError."""
    if selector is None:
        return NOTHING
    found = [requirement(key, EQUALS, (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        written = expression.get("operator") or ""
        operator = _FROM_EXPRESSION.get(written)
        if operator is None:
            raise ValueError(f"{fielderrors.go_quote(written)} is not a valid label selector operator")
        found.append(requirement(expression.get("key") or "", operator, expression.get("values") or ()))
    return Selector(found)


def requirement(key: str, operator: str, values: Iterable[str]) -> Requirement:
    """A checked requirement; raises ValueError that lists every rule broken."""
    listed = tuple(sorted(set(values)))
    errors = [*_key_errors(key, "key"), *_count_errors(operator, listed)]
    for index, value in enumerate(listed):
        if wrong := names.label_value(value):
            errors.append(fielderrors.invalid(f"values[{index}][{key}]", value, "; ".join(wrong)))
    if errors:
        texts = list(dict.fromkeys(map(str, errors)))
        raise ValueError(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
    return Requirement(key, operator, listed)


def _key_errors(key: str, path: str) -> list[FieldError]:
    wrong = names.qualified_name(key)
    return [fielderrors.invalid(path, key, "; ".join(wrong))] if wrong else []


def _count_errors(operator: str, values: tuple[str, ...]) -> list[FieldError]:
    """What is wrong with the number and form of the values for this operator."""

    def wrong(detail: str) -> list[FieldError]:
        return [fielderrors.invalid("values", list(values), detail)]

    match operator:
        case "in" | "notin":
            return [] if values else wrong("for 'in', 'notin' operators, values set can't be empty")
        case "=" | "==" | "!=":
            return [] if len(values) == 1 else wrong("exact-match compatibility requires one single value")
        case "exists" | "!":
            return wrong("values set must be empty for exists and does not exist") if values else []
    errors = [] if len(values) == 1 else wrong("for 'Gt', 'Lt' operators, exactly one value is required")
    for index, value in enumerate(values):
        if _int64(value) is None:
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            errors.append(fielderrors.invalid(f"values[{index}]", value, detail))
    return errors


def _int64(text: str) -> int | None:
    try:
        return parse_int64(text)
    except ValueError:
        return None


@remembered(1024)
def parse(text: str) -> Selector:
    """The selector that a `labelSelector` parameter says; raises ValueError with the reference's text."""
    parser = _Parser(text)
    found: list[Requirement] = []
    while True:
        token, literal = parser.peek()
        if token is Token.END:
            return Selector(found)
        if token not in (Token.IDENTIFIER, Token.DOES_NOT_EXIST):
            raise ValueError(f"found '{literal}', expected: !, identifier, or 'end of string'")
        try:
            found.append(parser.requirement())
        except ValueError as error:
            raise ValueError(f"unable to parse requirement: {error}") from error
        token, literal = parser.take()
        if token is Token.END:
            return Selector(found)
        if token is not Token.COMMA:
            raise ValueError(f"found '{literal}', expected: ',' or 'end of string'")
        token, literal = parser.peek()
        if token not in (Token.IDENTIFIER, Token.DOES_NOT_EXIST):
            raise ValueError(f"found '{literal}', expected: identifier after ','")


class _Parser:
    """Reads requirements from the tokens of one selector."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    def peek(self, *, operator: bool = False) -> tuple[Token, str]:
        """The next token; `in` and `notin` are identifiers except where an operator stands."""
        token, literal = self._tokens[min(self._at, len(self._tokens) - 1)]
        if not operator and token in (Token.IN, Token.NOT_IN):
            return Token.IDENTIFIER, literal
        return token, literal

    def take(self, *, operator: bool = False) -> tuple[Token, str]:
        found = self.peek(operator=operator)
        self._at += 1
        return found

    def requirement(self) -> Requirement:
        token, literal = self.take()
        absent = token is Token.DOES_NOT_EXIST
        if absent:
            token, literal = self.take()
        if token is not Token.IDENTIFIER:
            raise ValueError(f"found '{literal}', expected: identifier")
        key = literal
        if errors := _key_errors(key, "<nil>"):
            raise ValueError(str(errors[0]))
        if absent:
            return requirement(key, DOES_NOT_EXIST, ())
        if self.peek()[0] in (Token.END, Token.COMMA):
            return requirement(key, EXISTS, ())
        token, literal = self.take(operator=True)
        operator = _BINARY.get(token)
        if operator is None:
            raise ValueError(f"found '{literal}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._set() if operator in (IN, NOT_IN) else self._single()
        return requirement(key, operator, values)

    def _single(self) -> list[str]:
        if self.peek()[0] in (Token.END, Token.COMMA):
            return [""]
        token, literal = self.take()
        if token is not Token.IDENTIFIER:
            raise ValueError(f"found '{literal}', expected: identifier")
        return [literal]

    def _set(self) -> list[str]:
        token, literal = self.take()
        if token is not Token.OPEN:
            raise ValueError(f"found '{literal}' expected: '('")
        token, literal = self.peek()
        if token is Token.CLOSE:
            self.take()
            return []
        if token not in (Token.IDENTIFIER, Token.COMMA):
            raise ValueError(f"found '{literal}', expected: ',', ')' or identifier")
        values = self._listed()
        if self.take()[0] is not Token.CLOSE:
            raise ValueError(f"found '{literal}', expected: ')'")
        return values

    def _listed(self) -> list[str]:
        """Values between commas, an absent one being the empty text; leaves the closing parenthesis."""
        values: list[str] = []
        while True:
            token, literal = self.take()
            if token is Token.IDENTIFIER:
                values.append(literal)
                following, text = self.peek()
                if following is Token.CLOSE:
                    return values
                if following is not Token.COMMA:
                    raise ValueError(f"found '{text}', expected: ',' or ')'")
            elif token is Token.COMMA:
                if not values:
                    values.append("")
                following, _ = self.peek()
                if following is Token.CLOSE:
                    values.append("")
                    return values
                if following is Token.COMMA:
                    self.take()
                    values.append("")
            else:
                raise ValueError(f"found '{literal}', expected: ',', or identifier")
