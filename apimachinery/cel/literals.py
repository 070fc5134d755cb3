"""Lists and maps that are written out: what is in one must be of one type. Pure.

The library takes any mixture for one of any type; cel-go refuses it where it is asked to, as Kubernetes asks it
(HomogeneousAggregateLiterals). What is of type dyn goes with everything, null with what can be absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from apimachinery.cel.checked import Form, Node

#: What goes with everything.
_ANY: Final = frozenset({"dyn", "any"})
_NEVER_NULL: Final = frozenset({"bool", "int", "uint", "double", "string", "bytes", "list", "map", "type"})


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A part of a literal that differs from those before it."""

    offset: int  #: in characters
    expected: Form
    found: Form


def mismatches(tree: Node) -> list[Mismatch]:
    """Of all literals in an expression, in the order in which they stand there."""
    found = [each for node in tree.walk() for parts in _groups(node) for each in _of(parts)]
    return sorted(found, key=lambda each: each.offset)


def _groups(node: Node) -> Iterator[Iterable[Node]]:
    """What must be of one type."""
    if node.kind == "list":
        yield node.parts
    elif node.kind == "map":
        yield node.parts[::2]
        yield node.parts[1::2]


def _of(parts: Iterable[Node]) -> Iterator[Mismatch]:
    so_far: Form | None = None
    for part in parts:
        form = part.form
        if part.length == 0 and part.kind in ("list", "map"):
            form = Form(form.name)  # empty: what may be in it is left open
        if so_far is None:
            so_far = form
        elif _fits(so_far, form):
            so_far = _more_general(so_far, form)
        else:
            yield Mismatch(part.offset, so_far, form)
            so_far = None


def _fits(one: Form, other: Form) -> bool:
    """Whether one type goes with the other."""
    if one.name in _ANY or other.name in _ANY:
        return True
    if "null" in (one.name, other.name):
        return one.name == other.name or not {one.name, other.name} & _NEVER_NULL
    if one.name != other.name:
        return False
    if one.name == "type" or not one.parameters or not other.parameters:
        return True
    return all(_fits(*pair) for pair in zip(one.parameters, other.parameters, strict=True))


def _more_general(one: Form, other: Form) -> Form:
    """Of two that fit: the one that says less of what is in it; what says nothing is told by the other."""
    if one.name in _ANY or other.name == "null":
        return one
    if other.name in _ANY or one.name == "null" or not one.parameters:
        return other
    if not other.parameters or one.name == "type":
        return one
    return Form(one.name, tuple(_more_general(*pair) for pair in zip(one.parameters, other.parameters, strict=True)))
