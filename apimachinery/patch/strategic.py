"""Strategic merge patch: lists merge by the keys that the schema names, and directives say the rest. Pure.

The directives `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` are explained in the
reference's API conventions; their forms and errors are in `directives.py`, the order in `element_order.py`."""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object, deep_copy
from apimachinery.patch import directives
from apimachinery.patch.directives import PatchProblem
from apimachinery.patch.element_order import arrange
from apimachinery.schema import model
from apimachinery.schema.model import TypeSchema


def apply(original: Object, patch: Object, schema: TypeSchema) -> Object:
    """The object after the patch; neither argument is changed nor shared with the result. Raises ApiError."""
    return _merge_map(deep_copy(original), deep_copy(patch), schema)


def _merge_map(target: Object, patch: Object, schema: TypeSchema) -> Object:
    if directives.DIRECTIVE in patch:
        return _replaced(patch)
    _retain_keys(target, patch)
    _set_orders(target, patch, schema)
    for key, value in patch.items():
        deleted_from = directives.named_field(key, directives.DELETE_PRIMITIVES)
        if deleted_from is not None:
            _delete_primitives(target, deleted_from, value)
        elif value is None:
            target.pop(key, None)
        else:
            _merge_field(target, key, value, schema)
    return target


def _replaced(patch: Object) -> Object:
    """What a map with `$patch` in it stands for."""
    directive = patch[directives.DIRECTIVE]
    if directive == directives.REPLACE:
        return {key: value for key, value in patch.items() if key != directives.DIRECTIVE}
    if directive == directives.DELETE:
        return {}
    raise directives.bad_patch_type(directive, patch)


def _retain_keys(target: Object, patch: Object) -> None:
    """Remove from the target all fields that `$retainKeys` does not list."""
    if directives.RETAIN_KEYS not in patch:
        return
    listed = patch.pop(directives.RETAIN_KEYS)
    if not isinstance(listed, list):
        raise directives.bad_retain_keys()
    for key, value in patch.items():
        is_directive = key.startswith((directives.DELETE_PRIMITIVES, directives.SET_ORDER))
        if value is not None and not is_directive and key not in listed:
            raise directives.bad_retain_keys()
    for key in [key for key in target if key not in listed]:
        del target[key]


def _set_orders(target: Object, patch: Object, schema: TypeSchema) -> None:
    """Merge the lists for which the patch gives an order, and take them out of the patch."""
    for directive in [key for key in patch if key.startswith(directives.SET_ORDER)]:
        order = patch.pop(directive)
        if not isinstance(order, list):
            raise directives.bad_type("[]interface {}", order)
        key = directives.named_field(directive, directives.SET_ORDER)
        if key is None or (key not in target and key not in patch):
            continue
        live, changed = target.get(key), patch.pop(key, None)
        for value in (live, changed):
            if value is not None and not isinstance(value, list):
                raise directives.bad_type("[]interface {}", value)
        field = schema.fields.get(key)
        merge_key = field.merge_key if field else ""
        _check_order(changed or [], order, merge_key)
        if changed is None:
            merged = live or []
        elif live is None:
            merged = directives.without_directives(changed)[0]
        else:
            merged = _merge_field_list(key, list(live), changed, schema)
        target[key] = arrange(merged, order, live or [], merge_key)


def _check_order(changed: list[Any], order: list[Any], merge_key: str) -> None:
    """The elements of the patch must come in the order that it asks for."""
    if not changed or not order:
        return
    wanted = [element for element in changed if not _is_special(element)]
    at = 0
    for element in order:
        if at < len(wanted) and _same(wanted[at], element, merge_key):
            at += 1
    if at < len(wanted):
        shown, listed = directives.go_print(changed), directives.go_print(order)
        text = f"The order in patch list:\n{shown}\n doesn't match {directives.SET_ORDER} list:\n{listed}\n"
        raise PatchProblem(text)


def _is_special(element: Any) -> bool:
    return isinstance(element, dict) and directives.DIRECTIVE in element


def _same(left: Any, right: Any, merge_key: str) -> bool:
    if not merge_key:
        return directives.key_of(left) == directives.key_of(right)
    for element in (left, right):
        if not isinstance(element, dict):
            raise directives.bad_type("map[string]interface {}", element)
        if merge_key not in element:
            raise directives.no_merge_key(element, merge_key)
    return directives.key_of(left[merge_key]) == directives.key_of(right[merge_key])


def _delete_primitives(target: Object, key: str, values: Any) -> None:
    present = target.get(key)
    if isinstance(present, list) and isinstance(values, list):
        gone = {directives.key_of(value) for value in values}
        target[key] = [value for value in present if directives.key_of(value) not in gone]


def _merge_field(target: Object, key: str, value: Any, schema: TypeSchema) -> None:
    present = target.get(key)
    if isinstance(present, dict) and isinstance(value, dict):
        field = schema.fields.get(key)
        if field is not None and "replace" in field.patch_strategies:
            target[key] = value
        else:
            target[key] = _merge_map(present, value, _inner(schema, key))
    elif isinstance(present, list) and isinstance(value, list):
        target[key] = _merge_field_list(key, present, value, schema)
    else:
        cleaned, keep = directives.without_directives(value)
        if keep:
            target[key] = cleaned
        else:
            target.pop(key, None)


def _inner(schema: TypeSchema, key: str) -> TypeSchema:
    """The type of a field; raises PatchProblem where the struct has no such field."""
    found = schema.field_type(key)
    if found is not None:
        return found
    if schema.kind == model.STRUCT:
        struct = schema.go_type.rpartition(".")[2]
        raise PatchProblem(f'unable to find api field in struct {struct} for the json field "{key}"')
    return model.UNTYPED


def _merge_field_list(key: str, present: list[Any], value: list[Any], schema: TypeSchema) -> list[Any]:
    field = schema.fields.get(key)
    if field is None:
        _inner(schema, key)
    if field is None or "merge" not in field.patch_strategies:
        return value
    return _merge_list(present, value, field.type.item, field.merge_key)


def _merge_list(present: list[Any], patch: list[Any], item: TypeSchema, merge_key: str) -> list[Any]:
    if not present and not patch:
        return present
    if not _holds_maps([*present, *patch]):
        both = {directives.key_of(value): value for value in [*patch, *present]}
        return arrange(list(both.values()), patch, present, "")
    if not merge_key:
        raise PatchProblem(f"cannot merge lists without merge key for {item.go_type}")
    remaining, changes = _deletions(present, patch, merge_key)
    merged = list(remaining)
    for change in changes:
        if merge_key not in change:
            raise directives.no_merge_key(change, merge_key)
        wanted = directives.key_of(change[merge_key])
        for at, element in enumerate(merged):
            if directives.key_of(element.get(merge_key)) == wanted:
                merged[at] = _merge_map(element, change, item)
                break
        else:
            # A key that is null is a key, if one that no element has.
            merged.append({merge_key: None, **directives.without_directives(change)[0]})
    # After `$patch: replace` nothing of the live list is left whose order would count.
    return arrange(merged, changes, remaining, merge_key)


def _holds_maps(elements: list[Any]) -> bool:
    """Whether these are maps rather than scalars; raises where they are mixed, or lists."""
    classes = {element.__class__ for element in elements}
    if list in classes:
        raise directives.lists_of_lists()
    if len(classes) > 1:
        raise PatchProblem(f"list element types are not identical: {directives.go_print(elements)}")
    return dict in classes


def _deletions(present: list[Any], patch: list[Any], merge_key: str) -> tuple[list[Any], list[Any]]:
    """What is left of the live list after the patch's deletions, and the patch's other elements."""
    changes: list[Any] = []
    replace = False
    for element in patch:
        if directives.DIRECTIVE not in element:
            changes.append(element)
            continue
        directive = element[directives.DIRECTIVE]
        if directive == directives.DELETE:
            if merge_key not in element:
                raise directives.no_merge_key(element, merge_key)
            gone = directives.key_of(element[merge_key])
            present = [entry for entry in present if directives.key_of(entry.get(merge_key)) != gone]
        elif directive == directives.REPLACE:
            replace = True
        elif directive == directives.MERGE:
            raise PatchProblem("merging lists cannot yet be specified in the patch")
        else:
            raise directives.bad_patch_type(directive, element)
    return ([], changes) if replace else (present, changes)
