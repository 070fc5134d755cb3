"""Check a value against the OpenAPI v3 schema of a CustomResourceDefinition. Pure.

Texts and reasons are those of k8s.io/kube-openapi/pkg/validation as k8s.io/apiextensions-apiserver reports them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from api.apiextensions.formats import fits
from apimachinery import fielderrors as fe
from apimachinery.fielderrors import FieldError
from apimachinery.regex import Pattern, PatternError, compile_pattern
from apimachinery.remembering import remembered

Schema = Mapping[str, Any]
#: What errors of a whole object name as their field.
_NO_FIELD = "<nil>"
#: Of a number with a fraction: larger ones have no exact neighbours.
_LARGEST_WHOLE = (1 << 53) - 1


def validate(value: Any, schema: Schema, path: str = "") -> list[FieldError]:
    """Every rule that the value at `path` breaks."""
    if value is None and schema.get("nullable"):
        return []
    errors = _type(value, schema, path)
    if isinstance(value, str):
        errors += _string(value, schema, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        errors += _number(value, schema, path)
    elif isinstance(value, list):
        errors += _list(value, schema, path)
    elif isinstance(value, dict):
        errors += _object(value, schema, path)
    return errors + _enum(value, schema, path) + _junctors(value, schema, path)


def type_name(value: Any) -> str:
    """The JSON type of a value; whole numbers are integers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _decoded_name(value: Any) -> str:
    """The type as Go's decoder has it: integers of 64 bits, all other numbers with a fraction, if of zero."""
    if isinstance(value, float) or (isinstance(value, int) and not -(1 << 63) <= value < 1 << 63):
        return "number"
    return type_name(value)


def _body(path: str) -> str:
    return f"{path} in body" if path else " in body"


def _type(value: Any, schema: Schema, path: str) -> list[FieldError]:
    actual, wanted = _decoded_name(value), schema.get("type") or ""
    allowed = ["integer", "string"] if schema.get("x-kubernetes-int-or-string") else [wanted] if wanted else []
    if not allowed or actual in allowed or (actual == "integer" and "number" in allowed):
        return []
    if actual == "number" and "integer" in allowed and abs(value) <= _LARGEST_WHOLE and float(value).is_integer():
        return []
    text = f'{_body(path)} must be of type {",".join(allowed)}: "{actual}"'
    return [fe.type_invalid(path or _NO_FIELD, actual, text)]


def _string(value: str, schema: Schema, path: str) -> list[FieldError]:
    errors = []
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        errors.append(fe.over_max_length(path, value, longest))
    if shortest is not None and len(value) < shortest:
        errors.append(fe.invalid(path, value, f"{_body(path)} should be at least {shortest} chars long"))
    if pattern and not _matches(pattern, value):
        errors.append(fe.invalid(path, value, f"{_body(path)} should match '{pattern}'"))
    form = schema.get("format")
    if form and not fits(form, value):
        errors.append(fe.type_invalid(path, value, f"{_body(path)} must be of type {form}: {fe.go_quote(value)}"))
    return errors


@remembered(1024)
def _compiled(pattern: str) -> Pattern | None:
    try:
        return compile_pattern(pattern)
    except PatternError:
        return None


def _matches(pattern: str, value: str) -> bool:
    """Patterns that cannot be understood match nothing, as in the reference."""
    compiled = _compiled(pattern)
    return compiled is not None and compiled.matches(value)


def _number(value: float, schema: Schema, path: str) -> list[FieldError]:
    errors = []
    most, least, step = schema.get("maximum"), schema.get("minimum"), schema.get("multipleOf")
    if most is not None and (value >= most if schema.get("exclusiveMaximum") else value > most):
        relation = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        errors.append(fe.invalid(path, value, f"{_body(path)} should be {relation} {_shown(most)}"))
    if least is not None and (value <= least if schema.get("exclusiveMinimum") else value < least):
        relation = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        errors.append(fe.invalid(path, value, f"{_body(path)} should be {relation} {_shown(least)}"))
    if step and not _is_multiple(value, step):
        errors.append(fe.invalid(path, value, f"{_body(path)} should be a multiple of {_shown(step)}"))
    return errors


def _is_multiple(value: float, step: float) -> bool:
    quotient = value / step
    return math.isclose(quotient, round(quotient), abs_tol=1e-9)


def _shown(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(number)


def _list(value: Sequence[Any], schema: Schema, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    items, most, least = schema.get("items"), schema.get("maxItems"), schema.get("minItems")
    if isinstance(items, Mapping):
        for index, item in enumerate(value):
            errors += validate(item, items, f"{path}[{index}]")
    if least is not None and len(value) < least:
        errors.append(fe.invalid(path, len(value), f"{_body(path)} should have at least {least} items"))
    if most is not None and len(value) > most:
        errors.append(fe.too_many(path, len(value), most))
    return errors


def _object(value: Mapping[str, Any], schema: Schema, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if least is not None and len(value) < least:
        errors.append(
            fe.invalid(path or _NO_FIELD, len(value), f"{_body(path)} should have at least {least} properties")
        )
    if most is not None and len(value) > most:
        errors.append(fe.too_many(path or _NO_FIELD, len(value), most))
    prefix = f"{path}." if path else ""
    errors += [fe.required(prefix + name) for name in schema.get("required") or () if name not in value]
    properties, further = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in sorted(value):
        inner = properties.get(name, further)
        if isinstance(inner, Mapping):
            errors += validate(value[name], inner, prefix + name)
    return errors


def _enum(value: Any, schema: Schema, path: str) -> list[FieldError]:
    allowed = schema.get("enum")
    if not allowed or any(value == each and type_name(value) == type_name(each) for each in allowed):
        return []
    texts = [each if isinstance(each, str) else orjson.dumps(each).decode() for each in allowed]
    return [fe.not_supported(path, value, texts)]


def _junctors(value: Any, schema: Schema, path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    for word, fault in (("anyOf", _any_of), ("oneOf", _one_of), ("allOf", _all_of)):
        parts = schema.get(word)
        if parts:
            errors += fault(path, [validate(value, part, path) for part in parts])
    if schema.get("not") is not None and not validate(value, schema["not"], path):
        errors.append(_whole(path, "must not validate the schema (not)"))
    return errors


def _whole(path: str, text: str) -> FieldError:
    return fe.invalid(_NO_FIELD, "", f"{fe.go_quote(path)} {text}")


def _any_of(path: str, found: list[list[FieldError]]) -> list[FieldError]:
    if not all(found):
        return []
    return [_whole(path, "must validate at least one schema (anyOf)"), *found[0]]


def _one_of(path: str, found: list[list[FieldError]]) -> list[FieldError]:
    fitting = sum(1 for each in found if not each)
    if fitting == 1:
        return []
    text = "must validate one and only one schema (oneOf). Found "
    if fitting:
        return [_whole(path, f"{text}{fitting} valid alternatives")]
    return [_whole(path, f"{text}none valid"), *found[0]]


def _all_of(path: str, found: list[list[FieldError]]) -> list[FieldError]:
    broken = [error for each in found for error in each]
    if not broken:
        return []
    none = ". None validated" if all(found) else ""
    return [*broken, _whole(path, f"must validate all the schemas (allOf){none}")]
