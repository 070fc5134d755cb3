"""The CEL rules of a schema (x-kubernetes-validations) when their definition is written: well-formed, fitting, not too
costly. Pure but for loading the library with the first rule.

As k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation and its schema/cel: each rule sees the value of its
level as `self`. A rule's cost is multiplied by how often its level can occur in the largest request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from api.apiextensions.rules import has_rules
from api.gosyntax import go_rule
from apimachinery import fielderrors as fe
from apimachinery.cel import cost, types
from apimachinery.cel.environment import Checked, CompileError, Environment
from apimachinery.cel.types import MAX_REQUEST_BYTES, Type
from apimachinery.fielderrors import FieldError

Schema = Mapping[str, Any]

_WORD: Final = "x-kubernetes-validations"
_REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
#: StaticEstimatedCostLimit and StaticEstimatedCRDCostLimit
_MAX_COST: Final = 10_000_000
_MAX_TOTAL_COST: Final = 100_000_000
_MOST_EXPENSIVE: Final = 4
_HINT: Final = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)
_PATH_STEP: Final = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\['(?P<key>(?:[^'\\]|\\.)+)'\]")


@dataclass(slots=True)
class _Total:
    """What all rules of a schema cost, and where."""

    cost: int = 0
    places: list[tuple[int, str]] = field(default_factory=list)

    def add(self, path: str, cost_: int) -> None:
        self.cost = min(self.cost + cost_, cost.MAX_COST)
        if cost_:
            self.places.append((cost_, path))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an object a schema is: how often it can occur (None: there is no limit), and the innermost list or map
    around it whose elements cannot be told apart from their old ones."""

    total: _Total
    times: int | None = 1
    uncorrelatable: str = ""
    is_root: bool = False


def validate_rules(schema: Schema, path: str) -> list[FieldError]:
    """Every fault of the rules of a version's schema, at `path` (the schema's own)."""
    if not has_rules(schema):
        return []
    total = _Total()
    errors = list(_level(schema, path, _Place(total, is_root=True)))
    if total.cost > _MAX_TOTAL_COST:
        for _, where in sorted(total.places, reverse=True)[:_MOST_EXPENSIVE]:
            text = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            errors.append(fe.forbidden(where, text))
        name = "estimated rule cost total for entire OpenAPIv3 schema"
        errors.append(fe.forbidden(path, _too_costly(name, total.cost, _MAX_TOTAL_COST)))
    return errors


def _level(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    inner = replace(place, is_root=False)
    atomic = replace(inner, uncorrelatable=place.uncorrelatable or path)
    of_map = atomic if schema.get("x-kubernetes-map-type") == "atomic" else inner
    further, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(further, Mapping):
        yield from _level(
            further, f"{path}.additionalProperties", replace(of_map, times=_times(place, schema.get("maxProperties")))
        )
    for name, part in sorted((schema.get("properties") or {}).items()):
        yield from _level(part, f"{path}.properties[{name}]", of_map)
    if isinstance(items, Mapping):
        of_list = inner if schema.get("x-kubernetes-list-type") == "map" else atomic
        yield from _level(items, f"{path}.items", replace(of_list, times=_times(place, schema.get("maxItems"))))
    declared = schema.get(_WORD) or ()
    if not declared:
        return
    places = [f"{path}.{_WORD}[{index}]" for index in range(len(declared))]
    malformed = [error for at, rule in zip(places, declared, strict=True) for error in _form(rule, at, schema)]
    yield from malformed
    if not malformed:
        yield from _compiled(schema, path, place)


def _times(place: _Place, most: int | None) -> int | None:
    if place.times is None or most is None:
        return None
    return min(place.times * max(0, most), cost.MAX_COST)


def _form(rule: Mapping[str, Any], path: str, schema: Schema) -> Iterator[FieldError]:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    said, where = rule.get("messageExpression") or "", rule.get("fieldPath") or ""
    if not text:
        yield fe.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        yield fe.invalid(f"{path}.message", message, "message must be non-empty if specified")
    elif _has_newline(message.strip()):
        yield fe.invalid(f"{path}.message", message, "message must not contain line breaks")
    elif _has_newline(text) and not message.strip():
        yield fe.required(f"{path}.message", "message must be specified if rule contains line breaks")
    if said and not said.strip():
        yield fe.required(f"{path}.messageExpression", "messageExpression must be non-empty if specified")
    reason = rule.get("reason")
    if reason is not None and reason not in _REASONS:
        yield fe.not_supported(f"{path}.reason", reason, _REASONS)
    if where and not where.strip():
        yield fe.invalid(f"{path}.fieldPath", where, "fieldPath must be non-empty if specified")
    elif _has_newline(where):
        yield fe.invalid(f"{path}.fieldPath", where, "fieldPath must not contain line breaks")
    elif where and (problem := _path_problem(where, schema)):
        yield fe.invalid(f"{path}.fieldPath", where, f"fieldPath must be a valid path: {problem}")


def _has_newline(text: str) -> bool:
    return "\n" in text or "\r" in text


def _path_problem(path: str, schema: Schema) -> str:
    """Why a path leads to no field of the schema; "" where it does."""
    at = 0
    while at < len(path):
        step = _PATH_STEP.match(path, at)
        if step is None:
            return f"expected [ or . but got: {path[at]}" if at else "does not refer to a valid field"
        name = step["name"] or re.sub(r"\\(.)", r"\1", step["key"])
        properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
        found = properties.get(name, further if isinstance(further, Mapping) else None)
        if found is None:
            return "does not refer to a valid field"
        schema, at = found, step.end()
    return ""


def _compiled(schema: Schema, path: str, place: _Place) -> Iterator[FieldError]:
    kind = types.of_schema(schema, "self", is_root=place.is_root)
    if kind is None:
        yield fe.internal(f"{path}.{_WORD}", "failed to retrieve type information for x-kubernetes-validations")
        return
    variables = {"self": kind, "oldSelf": kind}
    environment = Environment(variables)
    occurs = place.times if place.times is not None else MAX_REQUEST_BYTES // (kind.min_bytes + 1)
    for index, rule in enumerate(schema[_WORD]):
        at = f"{path}.{_WORD}[{index}]"
        yield from _expression(rule, "rule", at, environment, variables, occurs, place)
        if rule.get("messageExpression"):
            yield from _expression(rule, "messageExpression", at, environment, variables, occurs, place)


_RESULTS: Final = {
    "rule": ("bool", "cel expression must evaluate to a bool", "compilation failed", "estimated rule cost"),
    "messageExpression": (
        "string",
        "messageExpression must evaluate to a string",
        "messageExpression compilation failed",
        "estimated messageExpression cost",
    ),
}


def _expression(
    rule: Mapping[str, Any], word: str, path: str, environment: Environment, variables: Mapping[str, Type], occurs: int,
    place: _Place,
) -> Iterator[FieldError]:  # fmt: skip
    wanted, not_so, failed, name = _RESULTS[word]
    at = f"{path}.{word}"
    try:
        found = environment.check(rule[word].strip())
    except CompileError as error:
        yield fe.invalid(at, go_rule(rule), f"{failed}: {error}")
        return
    if found.result not in (wanted, "dyn"):
        yield fe.invalid(at, go_rule(rule), not_so)
        return
    total = min(cost.estimate(found.tree, variables) * occurs, cost.MAX_COST)
    if total > _MAX_COST:
        yield fe.forbidden(at, _too_costly(name, total, _MAX_COST))
    place.total.add(at, total)
    if word == "rule" and place.uncorrelatable and _compares(found):
        text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.uncorrelatable}"
        yield fe.invalid(at, rule["rule"], text)


def _compares(found: Checked) -> bool:
    return found.uses("oldSelf")


def _too_costly(name: str, found: int, limit: int) -> str:
    factor = found / limit
    if factor > 100:
        shown = "more than 100x"
    else:
        shown = f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {shown} {_HINT}"
