"""Where the elements of a merged list go: `$setElementOrder` and the order that a patch implies. Pure.

Elements named by the patch keep the patch's order, the others that of the live list, which decides between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.patch.directives import PatchProblem, bad_type, is_deletion, key_of, no_merge_key


def arrange(merged: Sequence[Any], named: Sequence[Any], live: Sequence[Any], merge_key: str) -> list[Any]:
    """The elements of `merged`, those that `named` mentions in its order, the others in that of `live`."""
    from_patch: list[Any] = []
    others: list[Any] = []
    names = _Places(named, merge_key)
    for element in merged:
        (from_patch if names.of(element) is not None else others).append(element)
    lived = _Places(live, merge_key)
    return _interleave(_sorted(others, lived, merge_key), _sorted(from_patch, names, merge_key), lived)


class _Places:
    """Where each element, known by its merge key or being itself the key, stands in a list."""

    def __init__(self, elements: Sequence[Any], merge_key: str) -> None:
        self._key = merge_key
        self._at: dict[Any, int] = {}
        for index, element in enumerate(elements):
            if merge_key and not isinstance(element, dict):
                raise PatchProblem(f"value for key {index} is not a map")
            self._at.setdefault(self._known_by(element), index)

    def of(self, element: Any) -> int | None:
        """The element's place, None where it has none."""
        return self._at.get(self._known_by(element))

    def _known_by(self, element: Any) -> Any:
        if not self._key:
            return key_of(element)
        if not isinstance(element, dict):
            raise bad_type("map[string]interface {}", element)
        return key_of(element.get(self._key))


def _sorted(elements: list[Any], places: _Places, merge_key: str) -> list[Any]:
    """By place; what has none stays before what follows it, and deletions go last."""
    if merge_key:
        for element in elements:
            if merge_key not in element:
                raise no_merge_key(element, merge_key)
        deletions = [element for element in elements if is_deletion(element)]
        elements = [element for element in elements if not is_deletion(element)]
    else:
        deletions = []
    known = iter(sorted((e for e in elements if places.of(e) is not None), key=lambda e: places.of(e) or 0))
    return [next(known) if places.of(element) is not None else element for element in elements] + deletions


def _interleave(others: list[Any], from_patch: list[Any], live: _Places) -> list[Any]:
    """Each of `others` goes before the first element of the patch that the live list has after it."""
    out: list[Any] = []
    waiting = list(reversed(others))
    for element in from_patch:
        while waiting and _before(live.of(waiting[-1]), live.of(element)):
            out.append(waiting.pop())
        out.append(element)
    return out + waiting[::-1]


def _before(left: int | None, right: int | None) -> bool:
    return left is not None and right is not None and left < right
