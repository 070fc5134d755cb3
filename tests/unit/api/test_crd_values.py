"""Values against schemas: what is told of each broken rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from api.apiextensions import embedded, listtypes, rules
from api.apiextensions.defaulting import apply_defaults
from api.apiextensions.formats import fits
from api.apiextensions.rules import Rules
from api.apiextensions.values import validate


def _field(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "object", "properties": {"f": schema}}


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "integer"}, "x", 'f: Invalid value: "string": f in body must be of type integer: "string"'),
        ({"type": "integer"}, 1.5, 'f: Invalid value: "number": f in body must be of type integer: "number"'),
        ({"type": "string"}, None, 'f: Invalid value: "null": f in body must be of type string: "null"'),
        ({"type": "string"}, 2.0, 'f: Invalid value: "number": f in body must be of type string: "number"'),
        ({"type": "integer"}, 2.0, ""),
        ({"type": "integer"}, 1e16, 'f: Invalid value: "number": f in body must be of type integer: "number"'),
        ({"type": "integer"}, 1 << 63, 'f: Invalid value: "number": f in body must be of type integer: "number"'),
        ({"type": "number"}, 1 << 63, ""),
        ({"type": "string", "nullable": True}, None, ""),
        ({"type": "number"}, 1, ""),
        ({"type": "boolean"}, 1, 'f: Invalid value: "integer": f in body must be of type boolean: "integer"'),
        ({"x-kubernetes-int-or-string": True}, "80%", ""),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            'f: Invalid value: "boolean": f in body must be of type integer,string: "boolean"',
        ),
        (
            {"type": "string", "enum": ["a", "b"]},
            "c",
            'f: Unsupported value: "c": supported values: "a", "b"',
        ),
        ({"type": "integer", "maximum": 3}, 4, "f: Invalid value: 4: f in body should be less than or equal to 3"),
        (
            {"type": "integer", "minimum": 3, "exclusiveMinimum": True},
            3,
            "f: Invalid value: 3: f in body should be greater than 3",
        ),
        ({"type": "integer", "multipleOf": 2}, 3, "f: Invalid value: 3: f in body should be a multiple of 2"),
        ({"type": "string", "maxLength": 2}, "abc", "f: Too long: may not be longer than 2"),
        ({"type": "string", "minLength": 2}, "a", 'f: Invalid value: "a": f in body should be at least 2 chars long'),
        ({"type": "string", "pattern": "^a$"}, "a\n", "f: Invalid value: \"a\\n\": f in body should match '^a$'"),
        ({"type": "string", "format": "ipv4"}, "1.2", 'f: Invalid value: "1.2": f in body must be of type ipv4: "1.2"'),
        ({"type": "array", "items": {}, "maxItems": 1}, [1, 2], "f: Too many: 2: must have at most 1 items"),
        (
            {"type": "array", "items": {}, "minItems": 1},
            [],
            "f: Invalid value: 0: f in body should have at least 1 items",
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            ["a", 1],
            'f[1]: Invalid value: "integer": f[1] in body must be of type string: "integer"',
        ),
        ({"type": "object", "required": ["g"]}, {}, "f.g: Required value"),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"k": 1},
            'f.k: Invalid value: "integer": f.k in body must be of type string: "integer"',
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "x-kubernetes-preserve-unknown-fields": True},
            "x",
            "",
        ),
        (
            {"not": {"enum": ["x"]}, "type": "string"},
            "x",
            '<nil>: Invalid value: "": "f" must not validate the schema (not)',
        ),
        (
            {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": 1, "b": 1},
            '<nil>: Invalid value: "": "f" must validate one and only one schema (oneOf). Found 2 valid alternatives',
        ),
    ],
)
def test_what_is_told(schema: Mapping[str, Any], value: Any, told: str) -> None:
    assert ", ".join(str(error) for error in validate({"f": value}, _field(schema))) == told


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("date-time", "2020-01-02T03:04:05.6Z", "2020-13-02T03:04:05Z"),
        ("date", "2020-02-29", "2021-02-29"),
        ("duration", "1h30m", "1 fortnightly!"),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("hostname", "a.example.com", "-a.example.com"),
        ("byte", "aGk=", "a"),
        ("nobody-knows", "anything", ""),
    ],
)
def test_formats(form: str, good: str, bad: str) -> None:
    assert fits(form, good)
    assert not bad or not fits(form, bad)


def test_defaults_go_where_nothing_is() -> None:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "default": {},
                "properties": {
                    "size": {"type": "integer", "default": 3},
                    "maybe": {"type": "string", "nullable": True, "default": "x"},
                    "list": {
                        "type": "array",
                        "items": {"type": "object", "properties": {"a": {"type": "integer", "default": 1}}},
                    },
                },
            }
        },
    }
    empty: dict[str, Any] = {}
    apply_defaults(empty, schema)
    assert empty == {"spec": {"size": 3, "maybe": "x"}}
    nulls: dict[str, Any] = {"spec": {"size": None, "maybe": None, "list": [{}]}}
    apply_defaults(nulls, schema)
    assert nulls == {"spec": {"size": 3, "maybe": None, "list": [{"a": 1}]}}


def test_a_null_element_or_entry_becomes_its_default() -> None:
    number = {"type": "integer", "default": 2}
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": number},
            "map": {"type": "object", "additionalProperties": number},
        },
    }
    value: dict[str, Any] = {"list": [None, 1], "map": {"a": None, "b": 1}}
    apply_defaults(value, schema)
    assert value == {"list": [2, 1], "map": {"a": 2, "b": 1}}


def test_duplicates_in_sets_and_maps() -> None:
    named = {"type": "object", "properties": {"n": {"type": "string"}, "p": {"type": "integer", "default": 1}}}
    schema = {
        "properties": {
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "map": {
                "type": "array",
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["n", "p"],
                "items": named,
            },
        }
    }
    value = {"set": ["a", "b", "a"], "map": [{"n": "x"}, {"n": "x", "p": 2}, {"n": "x", "p": 1}]}
    assert [str(error) for error in listtypes.validate(value, schema)] == [
        'map[2]: Duplicate value: map[string]interface {}{"n":"x", "p":1}',
        'set[2]: Duplicate value: "a"',
    ]


def test_embedded_objects_say_what_they_are() -> None:
    schema = {"properties": {"t": {"type": "array", "items": {"x-kubernetes-embedded-resource": True}}}}
    value = {"t": [{"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "v1"}]}
    assert [str(error) for error in embedded.validate(value, schema)] == [
        "t[1].kind: Required value: must not be empty"
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"apiVersion": "a/b/c", "kind": "Pod"}, 'x[k].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion'),
        ({"apiVersion": "v1", "kind": "a b"}, 'x[k].kind: Invalid value: "a b": may have mixed case, but should'),
        ({"apiVersion": "v1", "kind": 3}, "x[k].kind: Invalid value: 3: must be a string"),
        (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"-": "x"}}},
            'x[k].metadata.labels: Invalid value: "-": name part must consist of',
        ),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a/b"}}, 'x[k].metadata.name: Invalid value: "a/b"'),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["mine"]}}, ""),
    ],
)
def test_embedded_objects_are_checked_as_objects(value: Mapping[str, Any], told: str) -> None:
    embeds = {"type": "object", "x-kubernetes-embedded-resource": True}
    schema = {"properties": {"x": {"type": "object", "additionalProperties": embeds}}}
    found = [str(error) for error in embedded.validate({"x": {"k": value}}, schema)]
    assert len(found) == bool(told)
    assert "".join(found).startswith(told)


def _told(schema: Mapping[str, Any], new: Any, *old: Any) -> list[str]:
    return [str(error) for error in Rules(schema).validate(new, *old)]


def test_rules_about_values() -> None:
    spec = {
        "type": "object",
        "x-kubernetes-validations": [
            {"rule": "self.min <= self.max", "message": "min over max"},
            {"rule": "!has(self.tag) || self.tag.startsWith('v')"},
            {
                "rule": "self.in__dash__out > 0.5",
                "fieldPath": ".in-out",
                "reason": "FieldValueForbidden",
                "message": "low",
            },
        ],
        "properties": {
            "min": {"type": "integer"},
            "max": {"type": "integer"},
            "tag": {"type": "string"},
            "in-out": {"type": "number"},
        },
    }
    schema = {"type": "object", "properties": {"spec": spec}}
    assert _told(schema, {"spec": {"min": 1, "max": 2, "tag": "v1", "in-out": 1}}) == []
    assert _told(schema, {"spec": {"min": 3, "max": 2, "tag": "x", "in-out": 0}}) == [
        'spec: Invalid value: "object": min over max',
        "spec: Invalid value: \"object\": failed rule: !has(self.tag) || self.tag.startsWith('v')",
        "spec.in-out: Forbidden: low",
    ]


def test_rules_about_changes_follow_elements_by_their_keys() -> None:
    item = {
        "type": "object",
        "properties": {
            "n": {"type": "string"},
            "v": {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "less"}]},
        },
    }
    schema = {
        "type": "object",
        "properties": {
            "l": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"], "items": item}
        },
    }
    old = {"l": [{"n": "a", "v": 1}, {"n": "b", "v": 5}]}
    assert _told(schema, {"l": [{"n": "b", "v": 4}, {"n": "c", "v": 0}]}, old) == [
        'l[0].v: Invalid value: "integer": less'
    ]
    assert _told(schema, {"l": [{"n": "b", "v": 4}]}) == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "holds"),
    [
        ("self.s == oldSelf.s", {"s": ["a", "b"]}, {"s": ["b", "a"]}, True),
        ("self.s == oldSelf.s", {"s": ["a", "b"]}, {"s": ["b", "c"]}, False),
        ("self.s + ['a', 'c'] == ['b', 'a', 'c']", {}, {"s": ["b", "a"]}, True),
        ("self.s.size() == 1 && self.s.all(x, x in self.s) && type(self.s) == list", {}, {"s": ["b"]}, True),
        ("self.m == oldSelf.m", {"m": [{"k": 1, "v": 2}, {"k": 2}]}, {"m": [{"k": 2}, {"k": 1, "v": 2}]}, True),
        ("self.m == oldSelf.m", {"m": [{"k": 1, "v": 2}]}, {"m": [{"k": 1, "v": 3}]}, False),
        ("(self.m + oldSelf.m).map(x, x.v) == [2, 4, 6]", {"m": [{"k": 2, "v": 4}, {"k": 3, "v": 6}]},
         {"m": [{"k": 1, "v": 2}, {"k": 2, "v": 0}]}, True),
        ("self.l == oldSelf.l", {"l": ["a", "b"]}, {"l": ["b", "a"]}, False),
        ("self.s == oldSelf.s && (self.s + oldSelf.s).size() == 30000", {"s": list(map(str, range(30_000)))},
         {"s": list(map(str, range(29_999, -1, -1)))}, True),
    ],
)  # fmt: skip
def test_sets_and_maps_are_compared_and_added_to_as_such(rule: str, old: Any, new: Any, holds: bool) -> None:
    text, number = {"type": "string"}, {"type": "integer"}
    entry = {"type": "object", "properties": {"k": number, "v": number}}
    fields = {
        "s": {"type": "array", "x-kubernetes-list-type": "set", "items": text},
        "m": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"], "items": entry},
        "l": {"type": "array", "items": text},
    }
    schema = {"type": "object", "properties": fields, "x-kubernetes-validations": [{"rule": rule}]}
    assert (_told(schema, new, old) == []) is holds


def test_fields_of_an_atomic_map_have_no_old_values() -> None:
    field = {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf", "message": "less"}]}
    schema = {"type": "object", "properties": {"v": field}}
    assert _told(schema, {"v": 1}, {"v": 2}) == ['v: Invalid value: "integer": less']
    assert _told({**schema, "x-kubernetes-map-type": "atomic"}, {"v": 1}, {"v": 2}) == []


def test_rules_are_not_looked_at_where_the_value_is_broken() -> None:
    broken = validate({}, {"type": "object", "required": ["a"]})
    blocking = rules.blocked(broken)
    assert blocking is not None
    assert str(blocking).startswith('<nil>: Invalid value: "null": some validation rules were not checked')
    assert rules.blocked([]) is None
    assert rules.blocked(validate("c", {"type": "string", "enum": ["a", "b"]})) is not None


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.split(',').join('-') == 'a-b'", "a,b"),
        ("self.lowerAscii().indexOf('b') == 1", "AB"),
        ("self.find('[0-9]+') == '12'", "a12b"),
        ("isURL(self) && url(self).getHost() == 'h:1'", "https://h:1/p"),
    ],
)
def test_functions_beside_those_of_the_language(rule: str, value: str) -> None:
    assert _told({"type": "string", "x-kubernetes-validations": [{"rule": rule}]}, value) == []


def test_times_lengths_and_numbers_have_their_types() -> None:
    fields = {
        "t": {"type": "string", "format": "date-time"}, "d": {"type": "string", "format": "duration"},
        "b": {"type": "string", "format": "byte"}, "n": {"type": "number"}, "i": {"type": "integer"},
    }  # fmt: skip
    rule = "self.t > timestamp('2020-01-01T00:00:00Z') && self.d > duration('1h') && self.b == b'hi' && self.n > 0.5"
    schema = {"type": "object", "properties": fields, "x-kubernetes-validations": [{"rule": f"{rule} && self.i == 2"}]}
    value = {"t": "2021-01-01T00:00:00Z", "d": "90m", "b": "aGk=", "n": 1, "i": 2.0}
    assert _told(schema, value) == []
    assert _told(schema, {**value, "d": "10m"}) != []


def test_a_pattern_takes_no_longer_for_hostile_texts() -> None:
    schema = {"type": "string", "pattern": "^(a+)+$"}
    assert len(validate("a" * 100_000 + "!", schema)) == 1
    assert validate("a" * 100_000, schema) == []


@pytest.mark.parametrize(
    ("rule", "value", "told"),
    [
        ("self.x > 1", {}, 'no such key: x evaluating rule: self.x > 1'),
        ("1 / self.x == 1", {"x": 0}, "division by zero evaluating rule: 1 / self.x == 1"),
        ("self.any > 1", {"any": "x"}, "'no such overload': call arguments did not match a supported operator, "
         "function or macro signature for rule: self.any > 1"),
        ("self.l.all(a, self.l.all(b, a == b || true))", {"l": [1] * 1000}, "'operation cancelled: actual cost limit "
         "exceeded': no further validation rules will be run due to call cost exceeds limit for rule: "
         "self.l.all(a, self.l.all(b, a == b || true))"),
    ],
)  # fmt: skip
def test_rules_that_come_to_no_answer(rule: str, value: Mapping[str, Any], told: str) -> None:
    fields = {"x": {"type": "integer"}, "any": {"x-kubernetes-int-or-string": True},
              "l": {"type": "array", "items": {"type": "integer"}}}  # fmt: skip
    schema = {"type": "object", "properties": fields, "x-kubernetes-validations": [{"rule": rule}]}
    assert _told(schema, value) == [f'<nil>: Invalid value: "object": {told}']


def test_rules_of_one_object_share_a_budget() -> None:
    rule = {"rule": f"!self.contains('{'b' * 9000}')"}  # 900,000 units for a text of 10,000 bytes
    items = {"type": "string", "x-kubernetes-validations": [rule]}
    schema = {"type": "object", "properties": {"l": {"type": "array", "items": items}}}
    costly = "a" * 10_000
    assert _told(schema, {"l": [costly] * 11}) == []
    assert _told(schema, {"l": [costly] * 20}) == [
        'l[11]: Invalid value: "string": validation failed due to running out of cost budget, no further validation '
        "rules will be run"
    ]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("'it is ' + self", "it is bad"),
        ("'a\\nb'", "failed rule: self == 'good'"),
        ("self.substring(9)", "failed rule: self == 'good'"),
        (f"'{'x' * 6000}'", "failed rule: self == 'good'"),
        (
            f"'{'a' * 9000}'.contains('{'b' * 9000}') || '{'a' * 3000}'.contains('{'b' * 9000}') ? 'a' : 'b'",
            "no further validation rules will be run due to call cost exceeds limit for messageExpression: ",
        ),
    ],
)
def test_message_expressions(expression: str, told: str) -> None:
    rules_ = [{"rule": "self == 'good'", "messageExpression": expression}, {"rule": "self != 'bad'"}]
    found = _told({"type": "string", "x-kubernetes-validations": rules_}, "bad")
    assert found[0].startswith(f'<nil>: Invalid value: "string": {told}')
    assert len(found) == (1 if told.startswith("no further") else 2)


def test_a_rule_that_cannot_be_evaluated_refuses() -> None:
    schema = {"type": "object", "x-kubernetes-validations": [{"rule": "self.absent > 1"}], "properties": {}}
    assert "no such key: absent" in _told(schema, {"a": 1})[0]
