"""x-kubernetes-validations: the rules in CEL of a schema, and what a value breaks of them.

Pure but for loading the library with the first rule; a definition without rules needs none."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from api.apiextensions.inside import says
from apimachinery import fielderrors as fe
from apimachinery.cel import types
from apimachinery.cel.budget import LONGEST_MESSAGE, Budget, BudgetSpent
from apimachinery.cel.environment import CompileError, Program
from apimachinery.cel.values import CostExceeded, EvaluationError, MapList, SetList
from apimachinery.duration import parse_duration
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]

_OLD: Final = "oldSelf"
_NO_OVERLOAD: Final = "call arguments did not match a supported operator, function or macro signature for rule"
_TOO_COSTLY: Final = "no further validation rules will be run due to call cost exceeds limit for rule"
_ABSENT: Final = object()
_BLOCKING: Final = frozenset(
    {
        *("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany"),
        "FieldValueTypeInvalid",
    }
)


_SPENT: Final = "running out of cost budget, no further validation rules will be run"
_MESSAGE_TOO_COSTLY: Final = (
    "no further validation rules will be run due to call cost exceeds limit for messageExpression"
)


class _Enough(Exception):
    """No further rules are to be run."""


class _Judgement:
    """What rules say of one object, and what is left of their budget."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.budget = Budget()

    def end(self, error: FieldError) -> NoReturn:
        """Raises _Enough."""
        self.errors.append(error)
        raise _Enough


@dataclass(frozen=True, slots=True)
class _Rule:
    declared: Mapping[str, Any]
    program: Program | None
    problem: str  #: why there is nothing to evaluate
    message: Program | None
    compares: bool  #: whether it says something of the old value: then it holds for changes only


def has_rules(schema: Schema) -> bool:
    """Whether there is any rule in the schema."""
    return says(schema, "x-kubernetes-validations")


class Rules:
    """The compiled rules of one schema."""

    def __init__(self, schema: Schema, *, is_root: bool = False) -> None:
        self._schema = with_type_meta(schema) if is_root else schema
        self._rules = [_compiled(each) for each in schema.get("x-kubernetes-validations") or ()]
        properties = (schema.get("properties") or {}).items()
        self._fields = {name: Rules(inner) for name, inner in properties if has_rules(inner)}
        self._items = _inner(schema.get("items"))
        self._values = _inner(schema.get("additionalProperties"))

    def validate(self, value: Any, old: Any = _ABSENT, path: str = "") -> list[FieldError]:
        """Every rule that the value at `path` breaks, itself or in its change from the old value; no further ones
        where one has cost too much."""
        judgement = _Judgement()
        with suppress(_Enough):
            self._judge(value, old, path, judgement)
        return judgement.errors

    def _judge(self, value: Any, old: Any, path: str, judgement: _Judgement) -> None:
        if value is None:
            return
        if self._rules:
            shown = to_cel(value, self._schema)
            before = _ABSENT if old is _ABSENT or old is None else to_cel(old, self._schema)
            for rule in self._rules:
                self._apply(rule, shown, before, path, judgement)
        if isinstance(value, dict):
            self._judge_fields(value, old if isinstance(old, dict) else {}, path, judgement)
        elif isinstance(value, list) and self._items:
            for index, item in enumerate(value):
                self._items._judge(item, self._former(item, old), f"{path}[{index}]", judgement)

    def _judge_fields(self, value: Mapping[str, Any], old: Mapping[str, Any], path: str, judgement: _Judgement) -> None:
        known = self._schema.get("properties") or {}
        if self._schema.get("x-kubernetes-map-type") == "atomic":
            old = {}  # its fields have no old values of their own
        for name in sorted(value):
            rules = self._fields.get(name) if name in known else self._values
            if rules is not None:
                at = f"{path}.{name}" if path else name
                at = at if name in known else f"{path}[{name}]"
                rules._judge(value[name], old.get(name, _ABSENT), at, judgement)

    def _former(self, item: Any, old: Any) -> Any:
        """The old element that an element of a map is compared to; other lists' elements have none."""
        keys = self._schema.get("x-kubernetes-list-map-keys")
        if not keys or not isinstance(item, dict) or not isinstance(old, list):
            return _ABSENT
        wanted = [item.get(key) for key in keys]
        return next(
            (each for each in old if isinstance(each, dict) and [each.get(key) for key in keys] == wanted), _ABSENT
        )

    def _apply(self, rule: _Rule, value: Any, old: Any, path: str, judgement: _Judgement) -> None:
        if rule.compares and old is _ABSENT:
            return
        kind = self._schema.get("type") or "object"
        shown_path = path or "<nil>"
        if rule.program is None:
            judgement.errors.append(fe.invalid(shown_path, kind, f"rule compile error: {rule.problem}"))
            return
        variables = {"self": value} if old is _ABSENT else {"self": value, _OLD: old}
        try:
            if judgement.budget.evaluate(rule.program, variables) is True:
                return
        except BudgetSpent as error:
            judgement.end(fe.invalid(shown_path, kind, str(error)))
        except EvaluationError as error:
            told = fe.invalid(shown_path, kind, _why(str(error), _short(rule.declared)))
            if isinstance(error, CostExceeded):
                judgement.end(told)
            judgement.errors.append(told)
            return
        _report(rule, variables, kind, path, judgement)


def _inner(schema: Any) -> Rules | None:
    return Rules(schema) if isinstance(schema, Mapping) and has_rules(schema) else None


def _compiled(declared: Mapping[str, Any]) -> _Rule:
    text = (declared.get("rule") or "").strip()
    said = (declared.get("messageExpression") or "").strip()
    try:
        program = Program(text, ("self", _OLD))
        message = Program(said, ("self", _OLD)) if said else None
    except CompileError as error:
        return _Rule(declared, None, str(error), None, False)
    compares = any(node.kind == "ident" and node.name == _OLD for node in program.tree.walk())
    return _Rule(declared, program, "", message, compares)


def _short(declared: Mapping[str, Any]) -> str:
    return (declared.get("message") or "").strip() or (declared.get("rule") or "").strip()


def _words(declared: Mapping[str, Any]) -> str:
    return (declared.get("message") or "").strip() or f"failed rule: {_short(declared)}"


def _why(problem: str, rule: str) -> str:
    """What is told of a rule that came to no answer."""
    if problem.startswith("no such overload"):
        return f"'{problem}': {_NO_OVERLOAD}: {rule}"
    if problem.startswith("operation cancelled"):
        return f"'{problem}': {_TOO_COSTLY}: {rule}"
    return f"{problem} evaluating rule: {rule}"


def _report(rule: _Rule, variables: Mapping[str, Any], kind: str, path: str, judgement: _Judgement) -> None:
    field = (path + (rule.declared.get("fieldPath") or "")).lstrip(".") or "<nil>"
    text = _words(rule.declared)
    if rule.message is not None:
        try:
            text = _said(judgement.budget.evaluate(rule.message, variables)) or text
        except BudgetSpent:
            judgement.end(fe.invalid(field, kind, f"messageExpression evaluation failed due to {_SPENT}"))
        except CostExceeded:
            quoted = fe.go_quote(rule.declared["messageExpression"])
            judgement.end(fe.invalid(field, kind, f"{_MESSAGE_TOO_COSTLY}: {quoted}"))
        except EvaluationError:
            pass  # as in the reference: what cannot be said is said in the rule's fixed words
    judgement.errors.append(_reported(rule, field, kind, text))


def _said(made: Any) -> str:
    """What a message expression says; "" where that is no message."""
    text = made.strip() if isinstance(made, str) else ""
    return text if "\n" not in text and len(text.encode()) <= LONGEST_MESSAGE else ""


def _reported(rule: _Rule, field: str, kind: str, text: str) -> FieldError:
    match rule.declared.get("reason") or "FieldValueInvalid":
        case "FieldValueForbidden":
            return fe.forbidden(field, text)
        case "FieldValueRequired":
            return fe.required(field, text)
        case "FieldValueDuplicate":
            return fe.duplicate(field, kind)
    return fe.invalid(field, kind, text)


def with_type_meta(schema: Schema) -> Schema:
    """The schema of a whole object, which rules may ask for its type and name too."""
    return {**schema, "properties": types.with_type_meta(schema.get("properties") or {})}


def to_cel(value: Any, schema: Schema) -> Any:
    """A value as rules see it: typed by the schema, with names that are identifiers; unknown fields are not seen."""
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            schema = with_type_meta(schema)
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        made = {types.escaped(name): to_cel(value[name], inner) for name, inner in properties.items() if name in value}
        if isinstance(further, Mapping) or further is True:
            inner_schema = further if isinstance(further, Mapping) else {}
            made.update({name: to_cel(each, inner_schema) for name, each in value.items() if name not in properties})
        elif not properties:
            return value
        return made
    if isinstance(value, list):
        items = schema.get("items")
        return _list([to_cel(item, items if isinstance(items, Mapping) else {}) for item in value], schema)
    if isinstance(value, str):
        return _from_text(value, schema.get("format") or "")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value, schema.get("type"))
    return value


def _list(items: list[Any], schema: Schema) -> list[Any]:
    """Sets and maps are compared and added to as such."""
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return SetList(items)
        case "map":
            return MapList(items, [types.escaped(key) for key in schema.get("x-kubernetes-list-map-keys") or ()])
    return items


def _number(value: float, kind: str | None) -> float:
    """Integers and numbers are different types there, whatever the client wrote."""
    if kind == "number":
        return float(value)
    return int(value) if kind == "integer" else value


def _from_text(value: str, form: str) -> Any:
    try:
        match form:
            case "date-time" | "date":
                found = datetime.fromisoformat(value)
                return found if found.tzinfo else found.replace(tzinfo=UTC)
            case "duration":
                return timedelta(seconds=parse_duration(value))
            case "byte":
                return base64.b64decode(value, validate=True)
    except ValueError:
        return value  # validation has told of it
    return value


def blocked(errors: Sequence[FieldError]) -> FieldError | None:
    """What is told in place of the rules where the value is too broken to look at them."""
    if not any(error.reason in _BLOCKING for error in errors):
        return None
    text = "some validation rules were not checked because the object was invalid; correct the existing errors to "
    return fe.invalid("<nil>", fe.GoSyntax('"null"'), text + "complete validation")
