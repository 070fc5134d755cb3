"""Walk over objects by their schema: which fields they have, in which they differ, what they make together.

Pure. The rules are those of structured-merge-diff: structs and maps are merged by field, lists of type "map" by key,
sets by value; atomic things, and scalars, are leaves. What was null or empty on both sides is a leaf too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from apimachinery.fieldmanager.fieldset import LEAF, SELF, FieldSet, is_member, ordered, union
from apimachinery.objects import Object
from apimachinery.schema import model
from apimachinery.schema.model import UNTYPED, TypeSchema

#: Stands for a value that is not there, as opposed to null.
ABSENT: Final[Any] = type("Absent", (), {"__bool__": lambda self: False})()


class UnknownElement(ValueError):
    """A list element that does not say which one it is."""


def element_of(schema: TypeSchema, item: Any) -> str:
    """The path element of an item in a list that is merged; raises UnknownElement."""
    if not schema.list_keys:
        if isinstance(item, dict):
            raise UnknownElement("associative list without keys has an element that's a map type")
        if isinstance(item, list):
            raise UnknownElement("not supported: associative list with lists as elements")
        if item is None:
            raise UnknownElement("associative list without keys has an element that's an explicit null")
        return f"v:{orjson.dumps(item).decode()}"
    if not isinstance(item, dict):
        what = "a null element" if item is None else "non-map elements"
        raise UnknownElement(f"associative list with keys may not have {what}")
    keys = {}
    for name in schema.list_keys:
        value = item.get(name)
        if value is None:
            value = schema.item.key_defaults.get(name)
            if value is None:
                why = f'omits key field "{name}" (and doesn\'t have default value)'
                raise UnknownElement(f"associative list with keys has an element that {why}")
        keys[name] = value
    return "k:" + orjson.dumps(keys, option=orjson.OPT_SORT_KEYS).decode()


def merges(schema: TypeSchema, value: Any) -> str:
    """How a value is walked: "map", "list", or "" for a leaf."""
    shape = schema.shape
    if shape and value.__class__ is (dict if shape == model.MAP else list):
        return shape
    return ""


def child(schema: TypeSchema, name: str) -> TypeSchema:
    """The type of a field of a struct, map or untyped value."""
    return schema.field_type(name) or UNTYPED


def everything(schema: TypeSchema, value: Any) -> FieldSet:
    """The set below a value that is new or gone as a whole: itself and all in it, in order."""
    how = merges(schema, value) if value else ""
    if how == model.MAP:
        out = {SELF: LEAF}
        places = schema.places
        for name in sorted(value):
            element, inner = places.get(name) or (f"f:{name}", schema.item)
            item = value[name]
            out[element] = everything(inner, item) if inner.shape and item else LEAF
        return out
    return _every_item(schema, value) if how == model.LIST else LEAF


def _every_item(schema: TypeSchema, items: list[Any]) -> FieldSet:
    out = {SELF: LEAF}
    item_schema = schema.item
    for item in items:
        element = _element_or_none(schema, item)
        if element is not None:
            out[element] = LEAF if element in out else everything(item_schema, item)
    return dict(sorted(out.items())) if len(out) > 2 else out


def differing(schema: TypeSchema, old: Object, new: Object) -> FieldSet:
    """The fields of one struct that another does not have, or has with another value, in order.

    The same as the added and the modified ones of `compare`, of which a create needs no more."""
    out: FieldSet = {}
    places = schema.places
    for name in sorted(new):
        left, right = old.get(name, ABSENT), new[name]
        if left == right:
            continue
        element, inner = places.get(name) or (f"f:{name}", schema.item)
        if left is ABSENT:
            out[element] = everything(inner, right)
        elif not left and right and merges(inner, right):  # it was there, but empty
            below = {at: deeper for at, deeper in everything(inner, right).items() if at != SELF}
            if below:
                out[element] = below
        elif inner.shape == model.MAP and left and right and isinstance(left, dict) and isinstance(right, dict):
            if below := differing(inner, left, right):
                out[element] = below
        else:
            found = compare(schema, {name: left}, {name: right})
            out |= ordered(union(found.added, found.modified))
    return out


def _element_or_none(schema: TypeSchema, item: Any) -> str | None:
    """The path element of a live item; what cannot be named is not tracked."""
    try:
        return element_of(schema, item)
    except UnknownElement:
        return None


class Comparison:
    """In which fields one object differs from another."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self) -> None:
        self.added: FieldSet = {}
        self.modified: FieldSet = {}
        self.removed: FieldSet = {}


def compare(schema: TypeSchema, old: Any, new: Any) -> Comparison:
    """The fields added, removed and modified from `old` to `new`; the top itself never is."""
    out = Comparison()
    if old != new:
        out.added, out.removed, out.modified = _compare(schema, old, new)
    return out


def _compare(schema: TypeSchema, old: Any, new: Any) -> tuple[FieldSet, FieldSet, FieldSet]:
    """Differences below two values that are merged field by field, of which one may be null."""
    if isinstance(old, dict) or isinstance(new, dict):
        old, new = old or {}, new or {}
        names: Iterable[str] = new if len(old) == 0 else {**old, **new}
        pairs = ((f"f:{name}", child(schema, name), old.get(name, ABSENT), new.get(name, ABSENT)) for name in names)
    else:
        before, after = _by_element(schema, old or ()), _by_element(schema, new or ())
        item = schema.item
        pairs = (
            (element, item, before.get(element, ABSENT), after.get(element, ABSENT)) for element in {**before, **after}
        )
    added: FieldSet = {}
    removed: FieldSet = {}
    modified: FieldSet = {}
    for element, inner, left, right in pairs:
        if left is ABSENT:
            added[element] = everything(inner, right)
        elif right is ABSENT:
            removed[element] = everything(inner, left)
        elif left != right:
            how = merges(inner, left) or merges(inner, right) if _walkable(inner, left, right) else ""
            if not how:
                modified[element] = LEAF
                continue
            below = _compare(inner, left, right)
            for out, part in zip((added, removed, modified), below, strict=True):
                if part:
                    out[element] = part
    return added, removed, modified


def _walkable(schema: TypeSchema, left: Any, right: Any) -> bool:
    """Whether two different values are compared by what is in them rather than as a whole."""
    if not left and not right:
        return False  # null and empty are told apart as a leaf
    kinds = {merges(schema, value) for value in (left, right) if value is not None}
    return len(kinds) == 1 and "" not in kinds


def _by_element(schema: TypeSchema, items: Iterable[Any]) -> dict[str, Any]:
    """List items by path element; those that occur twice are known by all of them together."""
    out: dict[str, Any] = {}
    for item in items:
        element = _element_or_none(schema, item)
        if element is None:
            continue
        out[element] = _Duplicates([*_several(out[element]), item]) if element in out else item
    return out


class _Duplicates(list[Any]):
    """Several list items with the same keys: a leaf."""


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, _Duplicates) else [value]


def fields_of(schema: TypeSchema, value: Any) -> FieldSet:
    """The paths that an applied configuration claims: its leaves, list items and map entries."""
    how = merges(schema, value)
    out: FieldSet = {}
    if how == model.MAP:
        declared = schema.fields
        for name, item in value.items():
            inner = child(schema, name)
            below = fields_of(inner, item) if merges(inner, item) else LEAF
            if merges(inner, item) == model.LIST and not below:
                continue  # an empty list that merges claims nothing
            out[f"f:{name}"] = {SELF: LEAF, **below} if below and name not in declared else below
    elif how == model.LIST:
        for item in value:
            element = element_of(schema, item)
            below = fields_of(schema.item, item)
            out[element] = {SELF: LEAF, **below} if below else LEAF
    return out


def merge(schema: TypeSchema, live: Any, applied: Any) -> Any:
    """What an applied value makes of the live one; ABSENT where nothing is left."""
    if live is ABSENT:
        return applied
    if applied is ABSENT or live == applied:
        return live
    how = merges(schema, live) or merges(schema, applied)
    if not how or (not live and not applied) or not _walkable(schema, live, applied):
        return applied
    if how == model.MAP:
        out = {}
        old, new = live or {}, applied or {}
        for name in {**old, **new}:
            merged = merge(child(schema, name), old.get(name, ABSENT), new.get(name, ABSENT))
            if merged is not ABSENT:
                out[name] = merged
        return out or ABSENT
    return _merge_lists(schema, live or [], applied or []) or ABSENT


def _merge_lists(schema: TypeSchema, live: list[Any], applied: list[Any]) -> list[Any]:
    """Applied items in their order; live items that are not applied keep their place among those that are in both."""
    wanted = {element_of(schema, item): item for item in applied}
    known = _by_element(schema, live)
    order, present = list(wanted), [(_element_or_none(schema, item), item) for item in live]
    both = iter([element for element in order if element in known])
    next_in_both = next(both, None)
    out: list[Any] = []
    at = taken = 0
    while at < len(present) or taken < len(order):
        if at < len(present):
            element, item = present[at]
            if element is None or element not in wanted:
                out.append(item)
                at += 1
                continue
            if element != next_in_both:
                at += 1  # it is merged already, or it moved to its place in the applied order
                continue
        # The live list waits at the item that is next in both until the applied one has come to it.
        element = order[taken]
        taken += 1
        before = known.get(element, ABSENT)
        out.append(merge(schema.item, ABSENT if isinstance(before, _Duplicates) else before, wanted[element]))
        if element == next_in_both:
            next_in_both = next(both, None)
    return [item for item in out if item is not ABSENT]


def with_named_fields(schema: TypeSchema, fields: FieldSet) -> FieldSet:
    """The set with every struct field in it that it has something below of."""
    out: FieldSet = {}
    for element, below in fields.items():
        if element == SELF:
            out[SELF] = LEAF
            continue
        if element.startswith("f:"):
            name = element[2:]
            grown = with_named_fields(child(schema, name), below) if below else below
            if grown and SELF not in grown and name in schema.fields:
                grown = {SELF: LEAF, **grown}
        else:
            grown = with_named_fields(schema.item, below) if below else below
        out[element] = grown
    return out


def without(schema: TypeSchema, value: Any, fields: FieldSet) -> Any:
    """The value without the paths in the set; null where nothing is left of it."""
    how = merges(schema, value)
    if how == model.MAP:
        out = {}
        for name, item in value.items():
            below = fields.get(f"f:{name}")
            if below is None:
                out[name] = item
            elif not is_member(below):
                out[name] = without(child(schema, name), item, below)
        return out or None
    if how == model.LIST:
        kept = []
        for item in value:
            below = fields.get(_element_or_none(schema, item) or "")
            if below is None:
                kept.append(item)
            elif not is_member(below):
                kept.append(without(schema.item, item, below))
        return kept or None
    return value if not isinstance(value, (dict, list)) else None


def together(sets: Iterable[FieldSet]) -> FieldSet:
    """All paths of all sets."""
    out: FieldSet = {}
    for fields in sets:
        out = union(out, fields)
    return out
