"""Evaluating checked expressions, counted in units of cost: a tree becomes functions that call each other. Pure but for
the clock.

The library that checks expressions evaluates them too, but counts nothing: it stops loops after a fixed number of
rounds, and nothing else. Here every step costs what cel-go's interpreter/runtimecost.go says, with
k8s.io/apiserver/pkg/cel/library for Kubernetes' functions, and evaluation ends where the cost exceeds its limit, or
where it has taken too long for the request that waits for it (as the reference's, whose context ends)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from apimachinery.cel import operators, values
from apimachinery.cel.checked import Node
from apimachinery.cel.members import FUNCTIONS
from apimachinery.cel.values import CALL_LIMIT, TEXT_FACTOR, CostExceeded, EvaluationError, TypeName

#: How long the expressions of one request may take together.
_SECONDS: Final = 10.0
#: What expressions together may cost, and take, where others wait.
_HURRIED_UNITS: Final = 10_000
_HURRIED_SECONDS: Final = 0.02
_hurried: ContextVar[bool] = ContextVar("hurried", default=False)
_REGEX_FACTOR: Final = 0.25
_LIST_COST, _MAP_COST = 10, 30
_AUTHORIZATION: Final = 350_000
#: How many rounds of a loop there are between two looks at the clock.
_CHECK_ROUNDS: Final = 8
_ABSENT: Final = object()


class Interrupted(EvaluationError):
    """An expression that takes too long."""

    def __init__(self) -> None:
        super().__init__("operation interrupted")


class TakesLong(Exception):
    """Not to be evaluated while others wait (`Hurried`)."""


class Hurried:
    """Raise TakesLong from expressions inside that take longer than others should wait for them."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _hurried.set(True)

    def __exit__(self, *_: object) -> None:
        _hurried.reset(self._token)


class Meter:
    """What expressions cost. `spent` is the cost of the last one, `limit` the most that it may be, and `ends` the
    moment when all must be done."""

    __slots__ = ("_before", "_hurried", "_waived", "ends", "limit", "spent")

    def __init__(self) -> None:
        self.spent = self._before = self._waived = 0
        self._hurried = _hurried.get()
        self.ends = time.monotonic() + (_HURRIED_SECONDS if self._hurried else _SECONDS)
        self.limit = _HURRIED_UNITS if self._hurried else CALL_LIMIT

    def start(self) -> None:
        """The next expression begins."""
        self._before += self.spent - self._waived
        self.spent = self._waived = 0
        if self._hurried:
            self.limit = _HURRIED_UNITS - self._before

    def waive(self, units: int) -> None:
        """These units are a price, not a measure of time."""
        self._waived += units
        if self._hurried:
            self.limit += units

    def check(self) -> None:
        """Raises CostExceeded, TakesLong."""
        if self.spent > CALL_LIMIT:
            raise CostExceeded
        if self.spent > self.limit:
            raise TakesLong

    def look(self) -> None:
        """At the clock; raises Interrupted, TakesLong."""
        if time.monotonic() > self.ends:
            raise TakesLong if self._hurried else Interrupted


class _Run:
    """One evaluation: its variables, those of its loops among them."""

    __slots__ = ("meter", "names")

    def __init__(self, names: dict[str, Any], meter: Meter) -> None:
        self.names = names
        self.meter = meter


_Step = Callable[[_Run], Any]


def compiled(tree: Node) -> Callable[[Mapping[str, Any], Meter], Any]:
    """The function of an expression; it raises EvaluationError."""
    step = _step(tree)

    def evaluate(variables: Mapping[str, Any], meter: Meter) -> Any:
        meter.start()
        try:
            value = step(_Run(dict(variables), meter))
        except ValueError as error:
            raise EvaluationError(str(error)) from error
        meter.check()
        return value

    return evaluate


def _step(node: Node) -> _Step:
    match node.kind:
        case "ident":
            return _ident(node.name)
        case "select":
            return _select(_step(node.parts[0]), node.name)
        case "has":
            return _has(_step(node.parts[0]), node.name)
        case "call":
            return _call(node)
        case "list":
            return _list([_step(part) for part in node.parts])
        case "map":
            return _map([_step(part) for part in node.parts])
        case "comprehension":
            return _loop(node)
        case "const":
            return _constant(node.value)
    return _unknown


def _constant(value: Any) -> _Step:
    return lambda run: value


def _unknown(run: _Run) -> Any:
    raise values.no_overload()


def _ident(name: str) -> _Step:
    def ident(run: _Run) -> Any:
        run.meter.spent += 1
        value = run.names.get(name, _ABSENT)
        if value is _ABSENT:
            return TypeName(name)
        if value.__class__ is _Failed:
            raise value.error
        return value

    return ident


def _select(operand: _Step, name: str) -> _Step:
    def select(run: _Run) -> Any:
        holder = operand(run)
        run.meter.spent += 1
        if holder.__class__ is dict and name in holder:
            return holder[name]
        return operators.select(holder, name)

    return select


def _has(operand: _Step, name: str) -> _Step:
    def has(run: _Run) -> bool:
        run.meter.spent += 1
        return bool(operators.has(operand(run), name))

    return has


def _list(parts: list[_Step]) -> _Step:
    def made(run: _Run) -> list[Any]:
        run.meter.spent += _LIST_COST
        return [part(run) for part in parts]

    return made


def _map(parts: list[_Step]) -> _Step:
    def made(run: _Run) -> dict[Any, Any]:
        run.meter.spent += _MAP_COST
        return {values.key_of(parts[at](run)): parts[at + 1](run) for at in range(0, len(parts), 2)}

    return made


def _call(node: Node) -> _Step:
    parts = [_step(part) for part in node.parts]
    name = node.name
    if name in ("_&&_", "_||_"):
        return _junction(*parts, decisive=name == "_||_")
    if name == "_?_:_":
        return _choice(*parts)
    if name == "@not_strictly_false":
        return _not_strictly_false(*parts)
    if name in operators.UNARY:
        return _counted(operators.UNARY[name], parts, _one)
    if name in operators.BINARY:
        return _counted(operators.BINARY[name], parts, _COSTS.get(name, _one))
    function = FUNCTIONS.get(name)
    if name == "check":
        return _authorization(FUNCTIONS[name], parts)
    return _counted(function, parts, _COSTS.get(name, _one)) if function else _unknown


def _junction(left: _Step, right: _Step, *, decisive: bool) -> _Step:
    """And, or: one side that decides does so whatever becomes of the other."""

    def junction(run: _Run) -> bool:
        problem: EvaluationError | None = None
        for side in (left, right):
            try:
                value = side(run)
            except (CostExceeded, Interrupted):
                raise
            except (EvaluationError, ValueError) as error:
                problem = problem or EvaluationError(str(error))
                continue
            if value.__class__ is not bool:
                problem = problem or values.no_overload()
            elif value is decisive:
                return decisive
        if problem is not None:
            raise problem
        return not decisive

    return junction


def _choice(condition: _Step, yes: _Step, no: _Step) -> _Step:
    def choice(run: _Run) -> Any:
        chosen = condition(run)
        if chosen.__class__ is not bool:
            raise values.no_overload()
        return yes(run) if chosen else no(run)

    return choice


def _not_strictly_false(part: _Step) -> _Step:
    def decided(run: _Run) -> bool:
        run.meter.spent += 1
        try:
            return part(run) is not False
        except (CostExceeded, Interrupted):
            raise
        except (EvaluationError, ValueError):
            return True

    return decided


def _counted(function: Callable[..., Any], parts: list[_Step], cost: Callable[[list[Any], Any], int]) -> _Step:
    def call(run: _Run) -> Any:
        operands = [part(run) for part in parts]
        value = function(*operands)
        meter = run.meter
        meter.spent += cost(operands, value)
        if meter.spent > meter.limit:
            meter.check()
        return value

    return call


def _authorization(function: Callable[..., Any], parts: list[_Step]) -> _Step:
    """A check is priced as if another server were asked, so that there are no more than two of them."""

    def check(run: _Run) -> Any:
        value = function(*[part(run) for part in parts])
        run.meter.waive(_AUTHORIZATION)
        run.meter.spent += _AUTHORIZATION
        run.meter.check()
        return value

    return check


class _Failed:
    """Stands for the value of a loop so far where there is none; the next round may mend it (`all`, `exists`)."""

    __slots__ = ("error",)

    def __init__(self, error: EvaluationError) -> None:
        self.error = error


def _loop(node: Node) -> _Step:
    ranged, initial, condition, _, result = (_step(part) for part in node.parts)
    step = _grown(node.parts[3], node.accumulator)
    variable, accumulator = node.name, node.accumulator

    def loop(run: _Run) -> Any:
        items = _items(ranged(run))
        names, meter = run.names, run.meter
        before = {name: names.get(name, _ABSENT) for name in (variable, accumulator)}
        try:
            names[accumulator] = initial(run)
            for count, item in enumerate(items):
                names[variable] = item
                if condition(run) is not True:
                    break
                try:
                    names[accumulator] = step(run)
                except (CostExceeded, Interrupted):
                    raise
                except (EvaluationError, ValueError) as error:
                    names[accumulator] = _Failed(EvaluationError(str(error)))
                meter.check()
                if count % _CHECK_ROUNDS == 0:
                    meter.look()
            return result(run)
        finally:
            _restore(names, before)

    return loop


def _restore(names: dict[str, Any], before: Mapping[str, Any]) -> None:
    for name, value in before.items():
        if value is _ABSENT:
            names.pop(name, None)
        else:
            names[name] = value


def _items(ranged: Any) -> list[Any]:
    if isinstance(ranged, list):
        return list(ranged)
    if ranged.__class__ is dict:
        return [key[1] if key.__class__ is tuple else key for key in ranged]
    raise values.no_overload()


def _grown(node: Node, accumulator: str) -> _Step:
    """The step of a loop; one that adds to the list which the loop makes does so in place: it is the loop's alone."""
    if node.kind == "call" and node.name == "_?_:_":
        return _choice(_step(node.parts[0]), *(_grown(part, accumulator) for part in node.parts[1:]))
    if node.kind != "call" or node.name != "_+_" or node.parts[1].kind != "list":
        return _step(node)
    if (node.parts[0].kind, node.parts[0].name) != ("ident", accumulator):
        return _step(node)
    so_far, more = _step(node.parts[0]), _step(node.parts[1])

    def grow(run: _Run) -> list[Any]:
        made: list[Any] = so_far(run)
        made.extend(more(run))
        run.meter.spent += 1
        return made

    return grow


def _one(operands: list[Any], value: Any) -> int:
    return 1


def _passing(size: float) -> int:
    """What passing over a text once costs."""
    return math.ceil(size * TEXT_FACTOR)


def _first(operands: list[Any], value: Any) -> int:
    return _passing(values.cost_size(operands[0]))


def _lesser(operands: list[Any], value: Any) -> int:
    return _passing(min(values.cost_size(operands[0]), values.cost_size(operands[1])))


def _ordered(operands: list[Any], value: Any) -> int:
    return _lesser(operands, value) if operands[0].__class__ in (str, bytes) else 1


def _added(operands: list[Any], value: Any) -> int:
    return _passing(len(value)) if value.__class__ in (str, bytes) else 1


def _matched(operands: list[Any], value: Any) -> int:
    return _passing(1 + values.cost_size(operands[0])) * math.ceil(values.cost_size(operands[1]) * _REGEX_FACTOR)


def _contained(operands: list[Any], value: Any) -> int:
    return _passing(values.cost_size(operands[0])) * _passing(values.cost_size(operands[1]))


def _walked(operands: list[Any], value: Any) -> int:
    return _walk(operands[0])


def _walk(value: Any) -> int:
    if value.__class__ in (str, bytes):
        return int(len(value) * TEXT_FACTOR)
    if isinstance(value, list):
        return sum(map(_walk, value))
    return sum(map(_walk, value.values())) if value.__class__ is dict else 1


_COSTS: Final[Mapping[str, Callable[[list[Any], Any], int]]] = {
    **dict.fromkeys(("_==_", "_!=_"), _lesser),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _ordered),
    **dict.fromkeys(("startsWith", "endsWith", "bytes", "lowerAscii", "upperAscii", "substring", "trim"), _first),
    **dict.fromkeys(("replace", "split", "url"), _first),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _walked),
    **dict.fromkeys(("matches", "find", "findAll"), _matched),
    "contains": _contained,
    "_+_": _added,
    "@in": lambda operands, value: values.cost_size(operands[1]) if isinstance(operands[1], list) else 1,
    "join": lambda operands, value: _passing(len(value)),
}
