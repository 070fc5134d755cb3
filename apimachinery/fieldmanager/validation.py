"""Whether an applied configuration fits its schema, in the words of structured-merge-diff. Pure."""

from __future__ import annotations

from collections.abc import Iterator
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
    found = [f"{path}: {text}" if path else text for path, text in _check(schema, value, "")]
    if len(found) <= 1:
        return "".join(found)
    return "\n".join(["errors:", *(f"  {line}" for line in found)])


def _check(schema: TypeSchema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    kind = schema.kind
    if value is None or kind in (model.ANY, model.RAW):
        return
    if kind in (model.STRUCT, model.MAP):
        yield from _check_map(schema, value, path)
    elif kind == model.LIST:
        yield from _check_list(schema, value, path)
    else:
        text = _scalar_error(kind, value)
        if text:
            yield path, text


def _check_map(schema: TypeSchema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield path, f"expected map, got &{{{go_print(value)}}}"
        return
    for name, item in value.items():
        inner = schema.field_type(name)
        if inner is not None:
            yield from _check(inner, item, f"{path}.{name}")
        elif not schema.preserves_unknown:
            yield f"{path}.{name}", "field not declared in schema"


def _check_list(schema: TypeSchema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, list):
        yield path, f"expected list, got &{{{go_print(value)}}}"
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        shown = f"[{index}]"
        if schema.list_type != model.ATOMIC:
            try:
                element = walks.element_of(schema, item)
            except walks.UnknownElement as error:
                yield path, f"element {index}: {error}"
                return
            shown = show(element)
            if element in seen:
                yield path, f"duplicate entries for key {shown}"
            seen.add(element)
        yield from _check(schema.item, item, path + shown)


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
