"""Evaluating CEL: what expressions come to, in the words of cel-go, what they cost, and that none takes for ever."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.cel import authorizer, types
from apimachinery.cel.budget import Budget, BudgetSpent
from apimachinery.cel.environment import CompileError, Environment, Program
from apimachinery.cel.evaluation import Hurried, Meter, TakesLong
from apimachinery.cel.values import CostExceeded, EvaluationError

SELF: dict[str, Any] = {
    "a": 1, "b": 2.5, "s": "Hello, Wörld", "l": [1, 2, 3], "m": {"x": 1, "y": [1, 2]}, "e": [], "n": None,
    "t": "2020-02-29T12:34:56.789Z", "ss": ["b", "a"], "neg": -7, "yes": True,
}  # fmt: skip


def value(text: str, **variables: Any) -> Any:
    given = {"self": SELF, **variables}
    return Program(text, tuple(given)).evaluate(given)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("self.neg / 2", -3),
        ("self.neg % 2", -1),
        ("self.a == 1.0", True),
        ("self.yes == 1", False),
        ("self.a < self.b", True),
        ("self.l == [1.0, 2.0, 3.0]", True),
        ("self.m == {'y': [1, 2], 'x': dyn(1)}", True),
        ("self.l[1]", 2),
        ("has(self.m.z) || has(self.m.x)", True),
        ("2.0 in self.l && 'x' in self.m && !(1 in self.m)", True),
        ("self.l.all(x, x > 0) && self.l.exists(x, x > 2) && self.l.exists_one(x, x > 2)", True),
        ("self.l.exists(x, x / (x - 1) > 1)", True),
        ("self.l.map(x, self.l.filter(y, y > x))", [[2, 3], [3], []]),
        ("self.l.map(x, x > 1, x * 2)", [4, 6]),
        ("self.e.all(x, false)", True),
        ("self.n == null", True),
        ("self.s.size()", 12),
        ("self.s.substring(7).upperAscii()", "WöRLD"),
        ("self.s.split('l', 2)", ["He", "lo, Wörld"]),
        ("self.s.replace('l', 'L', 1)", "HeLlo, Wörld"),
        ("self.s.lastIndexOf('l', 3)", 3),
        ("self.s.findAll('l', 2)", ["l", "l"]),
        ("self.ss.join('-')", "b-a"),
        ("[1.5, 2.5].sum()", 4.0),
        ("self.l.indexOf(2) + self.l.lastIndexOf(9)", 0),
        ("int(-2.9)", -2),
        ("string(1234567.0) + string(1e-7) + string(0.5)", "1.234567e+061e-070.5"),
        ("type(self.m) == map && type(self.a) == int && type(type(1)) == type", True),
        ("timestamp(self.t).getHours('America/New_York')", 7),
        ("timestamp(self.t).getDayOfYear()", 59),
        ("string(timestamp(self.t) + duration('1h'))", "2020-02-29T13:34:56.789Z"),
        ("duration('1h30m').getMinutes()", 90),
        ("string(duration('1500ms'))", "1.5s"),
        ("false && self.z", False),
        ("self.z && false", False),
        ("self.z || true", True),
        ("url('https://u@h:80/p?q=1').getPort() + url('https://h/?q=1').getQuery()['q'][0]", "801"),
        ("{true: 'a'}[true]", "a"),
        ("dyn(2u) > dyn(1) && 5u - 4u == 1u", True),
    ],
)
def test_values(text: str, wanted: Any) -> None:
    found = value(text)
    assert found == wanted
    assert found.__class__ is wanted.__class__


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("self.a / 0", "division by zero"),
        ("self.a % 0", "modulus by zero"),
        ("self.a + self.b", "no such overload"),
        ("self.l[3]", "index out of bounds: 3"),
        ("self.m['z']", "no such key: z"),
        ("has(self.z.y)", "no such key: z"),
        ("self.l.all(x, x / 0 > 1)", "division by zero"),
        ("self.a && self.z", "no such overload"),
        ("9223372036854775807 + self.a", "integer overflow"),
        ("5u - 6u", "unsigned integer overflow"),
        ("self.e.min()", "min called on empty list"),
        ("int('x')", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("self.s.matches('[')", "error parsing regexp: missing closing ]: `[`"),
        ("self.s.find('[')", "Illegal regex: error parsing regexp: missing closing ]: `[`"),
        ("duration('x') > duration('1s')", 'time: invalid duration "x"'),
        ("self.s.charAt(100)", "index out of range: 100"),
        ("self.t > self.a", "no such overload"),
    ],
)
def test_what_has_no_value(text: str, told: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        value(text)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("self.a + 1 == 2", 4),  # self, .a, + and ==
        ("self.s == self.s", 6),  # two bytes' worth of comparing beside the four steps to the fields
        ("self.s + self.s == ''", 7),
        ("[1, 2].size() == 2", 12),
        ("self.l.all(x, x > 0)", 18),  # two to the list, five a round, one for what it came to
        ("self.s.matches('W.*')", 4),
        ("true || self.s.contains('x')", 0),
    ],
)
def test_costs(text: str, wanted: int) -> None:
    meter = Meter()
    Program(text, ("self",)).evaluate({"self": SELF}, meter)
    assert meter.spent == wanted


def test_a_loop_over_many_cheap_things_is_no_matter() -> None:
    many = list(range(50_000))
    assert value("l.all(x, x >= 0)", l=many) is True
    assert len(value("l.map(x, x > 0, x)", l=many)) == len(many) - 1


@pytest.mark.parametrize(
    "text",
    [
        "l.all(x, l.all(y, x == y || true))",
        "l.map(x, l.map(y, x)).size() > 0",
        "l.exists(x, s.contains('zzzzzzzzzzz'))",
        "l.all(x, s.matches('(a|aa)+$') || true)",
        "l.all(x, (s + s).size() > 0)",
        "l.all(x, l.indexOf(-1) == -1)",
        "s.replace('', s) == ''",
        "l.map(x, s).join(s) == ''",
        "[l + l + l + l + l + l + l + l].map(x, x + x + x + x + x + x + x + x).size() == 1",
    ],
)
def test_what_costs_too_much_is_cut_off(text: str) -> None:
    with pytest.raises(CostExceeded, match="operation cancelled: actual cost limit exceeded"):
        value(text, l=list(range(20_000)), s="a" * 100_000)


def test_a_budget_is_for_all_expressions() -> None:
    program, budget = Program("l.all(x, x >= 0)", ("l",)), Budget(12_000)
    variables = {"l": list(range(1_000))}
    for _ in range(2):
        assert budget.evaluate(program, variables) is True
    with pytest.raises(BudgetSpent, match="running out of cost budget"):
        budget.evaluate(program, variables)


def test_two_checks_of_the_authorizer_are_allowed() -> None:
    text = "authorizer.group('').resource('pods').check('get').allowed()"
    given = {"authorizer": authorizer.authorizer()}
    with Hurried(), authorizer.asking(lambda check: (check.verb == "get", "")):
        assert Program(f"{text} && {text}", ("authorizer",)).evaluate(given) is True
        with pytest.raises(CostExceeded):
            Program(f"{text} && {text} && {text}", ("authorizer",)).evaluate(given)


def test_who_is_in_a_hurry_does_not_wait() -> None:
    program, short, long = Program("l.all(x, x >= 0)", ("l",)), {"l": [1]}, {"l": list(range(100_000))}
    with Hurried():
        assert program.evaluate(short) is True
        with pytest.raises(TakesLong):
            program.evaluate(long)
        budget = Budget()
        with pytest.raises(TakesLong):
            for _ in range(10_000):
                budget.evaluate(program, short)
    assert program.evaluate(long) is True


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("l.sum() > 0.5", "1:9: found no matching overload for '_>_' applied to '(int, double)'"),
        ("s.sum() == 1", "1:6: found no matching overload for 'sum' applied to 'list(string).()'"),
        ("m.min() == 1", "1:6: found no matching overload for 'min' applied to 'map(string, int).()'"),
        ("t.contains(1)", "1:11: found no matching overload for 'contains' applied to 'string.(int)'"),
        ("size(1) == 1", "1:5: found no matching overload for 'size' applied to '(int)'"),
        ("t.?a", "unsupported syntax '.?'"),
        ("[1].all(a, " * 30 + "true" + ")" * 30, "recursion limit exceeded"),
        ("quantity('1') == t", "undeclared reference to 'quantity'"),
    ],
)
def test_what_does_not_fit_its_variables(text: str, told: str) -> None:
    variables = {
        "l": types.list_of(types.INT),
        "s": types.list_of(types.STRING),
        "m": types.map_of(types.INT),
        "t": types.STRING,
    }
    with pytest.raises(CompileError) as caught:
        Environment(variables).check(text)
    assert told in str(caught.value)
