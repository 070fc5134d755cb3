"""What evaluating an expression costs at most: an estimate by its tree and the sizes of its variables. Pure.

The rules are those of cel-go's checker/cost.go, with k8s.io/apiserver/pkg/cel/library for Kubernetes' functions: a unit
is about one step, loops multiply, and texts cost by their length."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apimachinery.cel.checked import Node
from apimachinery.cel.types import STRING_KEY, Type

#: Costs do not grow beyond this.
MAX_COST: Final = (1 << 64) - 1
_STRING_FACTOR: Final = 0.1  #: of a step, for each byte of a text that is passed over
_REGEX_FACTOR: Final = 0.25  #: of a step, for each byte of a pattern
#: The longest text of a number, a truth, a time.
_NUMBER_BYTES: Final = 64
_LITERALS: Final = {"list": 10, "map": 30, "object": 40}
#: An authorizer's check is worth a request to another server.
_AUTHORIZATION: Final = 350_000
_TEXT_COMPARISONS: Final = frozenset(
    {
        *("less_string", "less_equals_string", "greater_string", "greater_equals_string", "less_bytes"),
        *("less_equals_bytes", "greater_bytes", "greater_equals_bytes", "equals", "not_equals"),
    }
)
_LIST_FUNCTIONS: Final = frozenset({"isSorted", "sum", "min", "max", "indexOf", "lastIndexOf"})
_PASSING: Final = frozenset(
    {
        *("url", "isURL", "lowerAscii", "upperAscii", "substring", "trim", "charAt", "split", "replace", "startsWith"),
        *("endsWith", "join"),
    }
)


@dataclass(frozen=True, slots=True)
class _Size:
    least: int
    most: int

    def plus(self, other: _Size) -> _Size:
        return _Size(_capped(self.least + other.least), _capped(self.most + other.most))

    def times(self, factor: float) -> _Size:
        return _Size(_scaled(self.least, factor), _scaled(self.most, factor))


def _capped(cost: int) -> int:
    return min(cost, MAX_COST)


def _scaled(size: int, factor: float) -> int:
    # Whole numbers: a float would lose the last digits of the largest sizes.
    return _capped(math.ceil(size * factor)) if size < 1 << 52 else _capped(int(size * factor))


def estimate(tree: Node, variables: Mapping[str, Type]) -> int:
    """The most that one evaluation costs."""
    return _Estimator(variables).cost(tree)


class _Estimator:
    """Walks a tree once, remembering where in its variables each part lies, and how large computed parts are."""

    def __init__(self, variables: Mapping[str, Type]) -> None:
        self._variables = variables
        self._places: dict[int, Type | None] = {}  #: node -> the type of the variable's part that it names
        self._sizes: dict[int, _Size] = {}
        self._loops: list[tuple[str, Node]] = []

    def cost(self, node: Node) -> int:
        match node.kind:
            case "ident":
                self._places[node.id] = self._named(node.name)
                return 1
            case "select" | "has":
                return self._select(node)
            case "call":
                return self._call(node)
            case "list" | "map" | "object":
                return _capped(sum(self.cost(part) for part in node.parts) + _LITERALS[node.kind])
            case "comprehension":
                return self._loop(node)
        return 0

    def _named(self, name: str) -> Type | None:
        for variable, ranged in reversed(self._loops):
            if variable == name:
                place = self._places.get(ranged.id)
                if place is not None and place.name == "map":
                    return STRING_KEY
                return place.element if place is not None and place.name == "list" else None
        return self._variables.get(name)

    def _select(self, node: Node) -> int:
        (operand,) = node.parts
        inner = self.cost(operand)
        place = self._places.get(operand.id)
        if place is not None:
            self._places[node.id] = place.element if place.name == "map" else place.fields.get(node.name)
        return _capped(inner + 1)

    def _loop(self, node: Node) -> int:
        ranged, initial, condition, step, result = node.parts
        before = self.cost(ranged) + self.cost(initial)
        self._loops.append((node.name, ranged))
        once = self.cost(condition) + self.cost(step)
        self._loops.pop()
        times = self._size(ranged).most
        return _capped(before + self.cost(result) + times * once)

    def _size(self, node: Node) -> _Size:
        if node.length is not None:
            return _Size(node.length, node.length)
        known = self._sizes.get(node.id)
        if known is not None:
            return known
        place = self._places.get(node.id)
        if place is not None:
            return _Size(0, place.max_elements)
        return _Size(0, MAX_COST) if node.type else _Size(1, 1)

    def _call(self, node: Node) -> int:
        costs = [self.cost(part) for part in node.parts]
        if node.name in ("_&&_", "_||_"):
            return _capped(sum(costs))
        if node.name == "_?_:_":
            chosen, other = self._size(node.parts[1]), self._size(node.parts[2])
            self._sizes[node.id] = _Size(min(chosen.least, other.least), max(chosen.most, other.most))
            return _capped(costs[0] + max(costs[1], costs[2]))
        if node.name == "_[_]":
            self._index(node)
        return _capped(sum(costs) + self._own(node, node.parts))

    def _index(self, node: Node) -> None:
        place = self._places.get(node.parts[0].id)
        if place is not None and place.name in ("list", "map"):
            self._places[node.id] = place.element

    def _own(self, node: Node, parts: Sequence[Node]) -> int:
        """What the function itself costs, without its arguments."""
        name, sizes = node.name, [self._size(part) for part in parts]
        if name == "@in":
            return sizes[1].most if parts[1].type != "map" else 1
        if name == "string" and not parts[0].type:
            self._sizes[node.id] = _Size(1, _NUMBER_BYTES)
            return 1
        if name in ("matches", "find", "findAll"):
            text = sizes[0].plus(_Size(1, 1)).times(_STRING_FACTOR).most
            return _capped(text * max(1, sizes[1].times(_REGEX_FACTOR).most))
        if name == "contains":
            return _capped(sizes[0].times(_STRING_FACTOR).most * sizes[1].times(_STRING_FACTOR).most)
        if name == "_+_" and parts[0].type in ("string", "bytes", "list", "dyn"):
            self._sizes[node.id] = sizes[0].plus(sizes[1])
            return 1 if parts[0].type == "list" else self._sizes[node.id].times(_STRING_FACTOR).most
        if _TEXT_COMPARISONS & frozenset(node.overloads):
            return _scaled(min(sizes[0].most, sizes[1].most), _STRING_FACTOR)
        if name in _LIST_FUNCTIONS and parts and parts[0].type == "list":
            return _capped(sizes[0].most * self._comparison(parts[0]))
        if name in _PASSING or name in ("indexOf", "lastIndexOf"):
            self._sizes[node.id] = sizes[0]
            at = 1 if name in ("startsWith", "endsWith") else 0
            return sizes[at].times(_STRING_FACTOR).most
        return _AUTHORIZATION if name == "check" else 1

    def _comparison(self, values: Node) -> int:
        """What looking at one element of a list costs: more for texts."""
        place = self._places.get(values.id)
        element = place.element if place is not None else None
        if element is None or element.name not in ("string", "bytes"):
            return 1
        return 1 + _scaled(element.max_elements, _STRING_FACTOR)
