"""The directives of strategic merge patches, and the errors about them in the reference's words. Pure."""

from __future__ import annotations

from typing import Any, Final

from apimachinery.errors import ApiError, BadRequest, Invalid

DIRECTIVE: Final = "$patch"
DELETE: Final = "delete"
REPLACE: Final = "replace"
MERGE: Final = "merge"
RETAIN_KEYS: Final = "$retainKeys"
SET_ORDER: Final = "$setElementOrder"
DELETE_PRIMITIVES: Final = "$deleteFromPrimitiveList"


class PatchProblem(ApiError):
    """A patch that makes no sense on this object: the reference answers 500 without a reason."""

    reason = ""


def no_merge_key(element: Any, merge_key: str) -> PatchProblem:
    """A list element does not say which one it is."""
    return PatchProblem(f"map: {go_print(element)} does not contain declared merge key: {merge_key}")


def bad_patch_type(directive: Any, element: Any) -> PatchProblem:
    """`$patch` has a value that means nothing here."""
    return PatchProblem(f"unknown patch type: {go_print(directive)} in map: {go_print(element)}")


def bad_type(wanted: str, value: Any) -> PatchProblem:
    """A directive or list element is of another type than it must be."""
    return PatchProblem(f"expected a {wanted}, but received a {_go_type(value)}")


def bad_retain_keys() -> BadRequest:
    """`$retainKeys` is no list, or leaves out a field that the patch sets."""
    return BadRequest("invalid patch format of retainKeys")


def bad_order() -> BadRequest:
    """A `$setElementOrder` directive does not name a list."""
    return BadRequest("invalid patch format of setElementOrder list")


def bad_primitive_list() -> BadRequest:
    """A `$deleteFromPrimitiveList` directive does not name a list."""
    return BadRequest("invalid patch format of primitive list")


def lists_of_lists() -> Invalid:
    """Lists of lists cannot be merged."""
    return Invalid("the server rejected our request due to an error in our request", details={})


def is_deletion(element: Any) -> bool:
    """Whether a list element of the patch says that its like is to be deleted."""
    return isinstance(element, dict) and element.get(DIRECTIVE) == DELETE


def named_field(key: str, directive: str) -> str | None:
    """The field that a directive such as "$setElementOrder/ports" is about; None for other keys.

    Raises BadRequest where the directive names none."""
    if not key.startswith(directive):
        return None
    prefix, slash, field = key.partition("/")
    if not slash or prefix != directive:
        raise bad_order() if directive == SET_ORDER else bad_primitive_list()
    return field


def without_directives(value: Any) -> tuple[Any, bool]:
    """A patch's value for something that is not there yet, and whether anything of it is to be kept."""
    if isinstance(value, dict):
        if DIRECTIVE in value:
            return None, False
        kept = {}
        for key, item in value.items():
            if item is None:
                continue
            cleaned, keep = without_directives(item)
            if keep:
                kept[key] = cleaned
        return kept, True
    if isinstance(value, list):
        cleaned_items = [without_directives(item) for item in value]
        return [item for item, keep in cleaned_items if keep], True
    return value, True


def key_of(value: Any) -> tuple[type, Any]:
    """A scalar as a dictionary key by which true and 1 differ; lists and maps as their text."""
    return (value.__class__, value if not isinstance(value, (dict, list)) else repr(value))


def go_print(value: Any) -> str:
    """A JSON value as Go prints it with %v."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go_print(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_print, value)) + "]"
    return str(value)


def _go_type(value: Any) -> str:
    if value is None:
        return "%!s(<nil>)"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, list):
        return "[]interface {}"
    return {str: "string", int: "int64", float: "float64"}[type(value)]
