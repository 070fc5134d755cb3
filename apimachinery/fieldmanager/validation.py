"""Whether an applied configuration fits its schema, in the words of structured-merge-diff. Pure."""

from __future__ import annotations

from typing import Any, Final

from apimachinery.fieldmanager import walks
from apimachinery.fieldmanager.fieldset import show
from apimachinery.patch.directives import go_print
from apimachinery.schema import model
from apimachinery.schema.model import TypeSchema

_NUMERIC: Final = (model.INT32, model.INT64, model.FLOAT64)
_TEXT: Final = (model.STRING, model.BYTES, model.TIME, model.MICRO_TIME)


def errors_in(schema: TypeSchema, value: Any) -> str:
    """Everything that does not fit, "" where all does."""
    errors: list[_Error] = []
    _check(schema, value, errors)
    found = [f"{path}: {text}" if path else text for path, text in errors]
    if len(found) <= 1:
        return "".join(found)
    return "\n".join(["errors:", *(f"  {line}" for line in found)])


#: The path below the value that is looked at, and what is wrong there.
_Error = tuple[str, str]


def _check(schema: TypeSchema, value: Any, errors: list[_Error]) -> None:
    kind = schema.kind
    if value is None or kind in (model.ANY, model.RAW):
        return
    if kind in (model.STRUCT, model.MAP):
        _check_map(schema, value, errors)
    elif kind == model.LIST:
        _check_list(schema, value, errors)
    elif text := _scalar_error(kind, value):
        errors.append(("", text))


def _check_map(schema: TypeSchema, value: Any, errors: list[_Error]) -> None:
    if not isinstance(value, dict):
        errors.append(("", f"expected map, got &{{{go_print(value)}}}"))
        return
    for name, item in value.items():
        inner = schema.field_type(name)
        seen = len(errors)
        if inner is not None:
            _check(inner, item, errors)
        elif not schema.preserves_unknown:
            errors.append(("", "field not declared in schema"))
        if len(errors) > seen:
            _prefix(errors, seen, f".{name}")


def _check_list(schema: TypeSchema, value: Any, errors: list[_Error]) -> None:
    if not isinstance(value, list):
        errors.append(("", f"expected list, got &{{{go_print(value)}}}"))
        return
    known: set[str] = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if schema.list_type != model.ATOMIC:
            try:
                element = walks.element_of(schema, item)
            except walks.UnknownElement as error:
                errors.append(("", f"element {index}: {error}"))
                return
            if element in known:
                errors.append(("", f"duplicate entries for key {show(element)}"))
            known.add(element)
        seen = len(errors)
        _check(schema.item, item, errors)
        if len(errors) > seen:
            _prefix(errors, seen, show(element))


def _prefix(errors: list[_Error], start: int, element: str) -> None:
    """Put an element before the paths of the errors that were found below it."""
    errors[start:] = [(element + path, text) for path, text in errors[start:]]


def _scalar_error(kind: str, value: Any) -> str:
    is_bool = isinstance(value, bool)
    is_number = isinstance(value, (int, float)) and not is_bool
    if kind in _NUMERIC and not is_number:
        return f"expected numeric (int or float), got {_go_type(value)}"
    if kind in _TEXT and not isinstance(value, str):
        return f"expected string, got &value.valueUnstructured{{Value:{go_print(value)}}}"
    if kind == model.BOOL and not is_bool:
        return f"expected boolean, got &{{{go_print(value)}}}"
    if kind in (model.QUANTITY, model.INT_OR_STRING) and isinstance(value, (dict, list)):
        return f"expected any scalar, got &{{{go_print(value)}}}"
    return ""


def _go_type(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    return "[]interface {}" if isinstance(value, list) else "map[string]interface {}"
