"""Sets of field paths, in the very form in which managedFields holds them (FieldsV1). Pure.

A set is a dict from path element to the set below it. An element is "f:NAME" for a field, "k:{...}" for a list element
by its keys, "v:..." for a value of a set, and "i:N" for a place in a list. A path is a member of the set if nothing is
below it, or if "." is. The empty dict at the top is the empty set. Sets are shared and never changed, only made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from apimachinery import fielderrors

FieldSet = dict[str, Any]
SELF: Final = "."
#: A path whose last element has nothing below it.
LEAF: Final[FieldSet] = {}


def is_member(below: FieldSet) -> bool:
    """Whether the path that leads to this part of a set is itself in the set."""
    return not below or SELF in below


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """All paths of both."""
    if not left or left is right:
        return right
    if not right:
        return left
    out = dict(left)
    for element, below in right.items():
        present = out.get(element)
        out[element] = below if present is None else _union_below(present, below)
    return out


def _union_below(left: FieldSet, right: FieldSet) -> FieldSet:
    if not left:
        return right if SELF in right or not right else {SELF: LEAF, **right}
    if not right:
        return left if SELF in left else {SELF: LEAF, **left}
    return union(left, right)


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths in both."""
    out: FieldSet = {}
    for element, below in left.items():
        other = right.get(element)
        if other is None or element == SELF:
            continue
        both = intersection(below, other) if below and other else {}
        if is_member(below) and is_member(other):
            out[element] = {SELF: LEAF, **both} if both else LEAF
        elif both:
            out[element] = both
    return out


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths of `left` that are not in `right`; what is below a path of `right` stays."""
    if not right or not left:
        return left
    out: FieldSet = {}
    for element, below in left.items():
        other = right.get(element)
        if other is None:
            out[element] = below
            continue
        if element == SELF:
            continue
        rest = difference(below, other) if below and other else below
        rest = {k: v for k, v in rest.items() if k != SELF} if SELF in rest else rest
        if is_member(below) and not is_member(other):
            out[element] = {SELF: LEAF, **rest} if rest else LEAF
        elif rest:
            out[element] = rest
    return out


def ordered(fields: FieldSet) -> FieldSet:
    """The same set with its elements in their natural order, as it is stored."""
    return {element: ordered(below) if (below := fields[element]) else LEAF for element in sorted(fields)}


def paths(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """The members as error texts show them, such as `.spec.ports[port=80,protocol="TCP"].name`."""
    elements = sorted(element for element in fields if element != SELF)
    for element in elements:
        if is_member(fields[element]):
            yield prefix + show(element)
    for element in elements:
        if fields[element]:
            yield from paths(fields[element], prefix + show(element))


def show(element: str) -> str:
    """One path element as error texts show it."""
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        keys: dict[str, Any] = orjson.loads(rest)
        return "[" + ",".join(f"{name}={fielderrors.go_value(keys[name])}" for name in sorted(keys)) + "]"
    if kind == "v":
        return f"[={fielderrors.go_value(orjson.loads(rest))}]"
    return f"[{rest}]"
