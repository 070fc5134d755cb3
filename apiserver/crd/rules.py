"""x-kubernetes-validations: the rules in CEL of a schema, and what a value breaks of them.

Pure but for loading the library with the first rule; a definition without rules needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apiserver.crd.cel import RuleError, compile_rule

Schema = Mapping[str, Any]
Evaluate = Callable[[Mapping[str, Any]], Any]

_KEYWORDS: Final = frozenset(
    {
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
_ESCAPES: Final = (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__"), ("/", "__slash__"))
_TYPE_META: Final[Schema] = {"type": "string"}
_OBJECT_META: Final[Schema] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
}
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class _Rule:
    declared: Mapping[str, Any]
    evaluate: Evaluate | None
    problem: str  #: why there is nothing to evaluate
    message: Evaluate | None
    compares: bool  #: whether it says something of the old value: then it holds for changes only


def has_rules(schema: Schema) -> bool:
    """Whether there is any rule in the schema."""
    if schema.get("x-kubernetes-validations"):
        return True
    inner = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(has_rules(each) for each in inner if isinstance(each, Mapping))


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
        """Every rule that the value at `path` breaks, itself or in its change from the old value."""
        if value is None:
            return []
        errors: list[FieldError] = []
        if self._rules:
            shown = to_cel(value, self._schema)
            before = _ABSENT if old is _ABSENT or old is None else to_cel(old, self._schema)
            for rule in self._rules:
                errors += self._broken(rule, shown, before, path)
        if isinstance(value, dict):
            errors += self._inside(value, old if isinstance(old, dict) else {}, path)
        elif isinstance(value, list) and self._items:
            for index, item in enumerate(value):
                errors += self._items.validate(item, self._former(item, old), f"{path}[{index}]")
        return errors

    def _inside(self, value: Mapping[str, Any], old: Mapping[str, Any], path: str) -> list[FieldError]:
        errors: list[FieldError] = []
        known = self._schema.get("properties") or {}
        for name in sorted(value):
            rules = self._fields.get(name) if name in known else self._values
            if rules is not None:
                at = f"{path}.{name}" if path else name
                at = at if name in known else f"{path}[{name}]"
                errors += rules.validate(value[name], old.get(name, _ABSENT), at)
        return errors

    def _former(self, item: Any, old: Any) -> Any:
        """The old element that an element of a map is compared to; other lists' elements have none."""
        keys = self._schema.get("x-kubernetes-list-map-keys")
        if not keys or not isinstance(item, dict) or not isinstance(old, list):
            return _ABSENT
        wanted = [item.get(key) for key in keys]
        return next(
            (each for each in old if isinstance(each, dict) and [each.get(key) for key in keys] == wanted), _ABSENT
        )

    def _broken(self, rule: _Rule, value: Any, old: Any, path: str) -> list[FieldError]:
        if rule.compares and old is _ABSENT:
            return []
        kind = self._schema.get("type") or "object"
        shown_path = path or "<nil>"
        if rule.evaluate is None:
            return [fe.invalid(shown_path, kind, f"rule compile error: {rule.problem}")]
        variables = {"self": value} if old is _ABSENT else {"self": value, "oldSelf": old}
        try:
            if rule.evaluate(variables) is True:
                return []
        except RuleError as error:
            return [fe.invalid(shown_path, kind, f"{error} evaluating rule: {_words(rule.declared)}")]
        return [_reported(rule, variables, kind, path)]


def _inner(schema: Any) -> Rules | None:
    return Rules(schema) if isinstance(schema, Mapping) and has_rules(schema) else None


def _compiled(declared: Mapping[str, Any]) -> _Rule:
    text = (declared.get("rule") or "").strip()
    try:
        message = compile_rule(declared["messageExpression"]) if declared.get("messageExpression") else None
        return _Rule(declared, compile_rule(text), "", message, "oldSelf" in text)
    except RuleError as error:
        return _Rule(declared, None, str(error), None, False)


def _words(declared: Mapping[str, Any]) -> str:
    message = (declared.get("message") or "").strip()
    return message or f"failed rule: {(declared.get('rule') or '').strip()}"


def _reported(rule: _Rule, variables: Mapping[str, Any], kind: str, path: str) -> FieldError:
    text, reason = _words(rule.declared), rule.declared.get("reason") or "FieldValueInvalid"
    if rule.message is not None:
        try:
            made = rule.message(variables)
        except RuleError:
            made = ""  # as in the reference: what cannot be said is said in the rule's fixed words
        if isinstance(made, str) and made.strip() and "\n" not in made:
            text = made.strip()
    field = (path + (rule.declared.get("fieldPath") or "")).lstrip(".") or "<nil>"
    match reason:
        case "FieldValueForbidden":
            return fe.forbidden(field, text)
        case "FieldValueRequired":
            return fe.required(field, text)
        case "FieldValueDuplicate":
            return fe.duplicate(field, kind)
    return fe.invalid(field, kind, text)


def with_type_meta(schema: Schema) -> Schema:
    """The schema of a whole object, which rules may ask for its type and name too."""
    known = {"apiVersion": _TYPE_META, "kind": _TYPE_META, "metadata": _OBJECT_META}
    properties = {**known, **(schema.get("properties") or {}), "metadata": _OBJECT_META}
    return {**schema, "properties": properties}


def to_cel(value: Any, schema: Schema) -> Any:
    """A value as rules see it: typed by the schema, with names that are identifiers; unknown fields are not seen."""
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            schema = with_type_meta(schema)
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        made = {escaped(name): to_cel(value[name], inner) for name, inner in properties.items() if name in value}
        if isinstance(further, Mapping) or further is True:
            inner_schema = further if isinstance(further, Mapping) else {}
            made.update({name: to_cel(each, inner_schema) for name, each in value.items() if name not in properties})
        elif not properties:
            return value
        return made
    if isinstance(value, list):
        items = schema.get("items")
        return [to_cel(item, items if isinstance(items, Mapping) else {}) for item in value]
    if isinstance(value, str):
        return _from_text(value, schema.get("format") or "")
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _from_text(value: str, form: str) -> Any:
    if form not in ("date-time", "date"):
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value  # validation has told of it
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def escaped(name: str) -> str:
    """A field's name as rules spell it: "a-b" as a__dash__b, "namespace" as __namespace__."""
    if name in _KEYWORDS:
        return f"__{name}__"
    for char, spelled in _ESCAPES:
        name = name.replace(char, spelled) if char == "__" else name
    for char, spelled in _ESCAPES[1:]:
        name = name.replace(char, spelled)
    return name


def blocked(errors: Sequence[FieldError]) -> FieldError | None:
    """What is told in place of the rules where the value is too broken to look at them."""
    reasons = {"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
    if not any(error.reason in reasons for error in errors):
        return None
    text = "some validation rules were not checked because the object was invalid; correct the existing errors to "
    return fe.invalid("<nil>", fe.GoSyntax('"null"'), text + "complete validation")
