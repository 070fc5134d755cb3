"""Schemas of definitions: what they may say, whether they are structural, whether their defaults and rules fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from api.apiextensions.defaults import validate_defaults
from api.apiextensions.openapi import validate_openapi
from api.apiextensions.ruling import validate_rules
from api.apiextensions.structural import validate_structural


def told(schema: Mapping[str, Any]) -> list[str]:
    return [str(error) for error in (*validate_openapi(schema, "s"), *validate_structural(schema, "s"))]


def of_field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"f": field}}


ITEMS = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "array", "items": ITEMS, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
        {"x-kubernetes-preserve-unknown-fields": True},
        {"type": "object", "properties": {"a": {"type": "string"}}, "oneOf": [{"required": ["a"]}]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "not": {"properties": {"a": {"pattern": "x"}}}},
    ],
)
def test_structural_schemas(field: dict[str, Any]) -> None:
    assert told(of_field(field)) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({}, "s.properties[f].type: Required value: must not be empty for specified object fields"),
        ({"type": "array"}, "s.properties[f].items: Required value: must be specified"),
        (
            {"type": "array", "items": {}},
            "s.properties[f].items.type: Required value: must not be empty for specified array items",
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "properties": {"a": {"type": "string"}}},
            "s.properties[f].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "string", "allOf": [{"type": "string"}]},
            "s.properties[f].allOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            {"type": "string", "pattern": "(?=a)"},
            's.properties[f].pattern: Invalid value: "(?=a)": must be a valid '
            "regular expression, but isn't: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
        ),
        (
            {"type": "array", "items": ITEMS, "x-kubernetes-list-type": "map"},
            "s.properties[f].x-kubernetes-list-map-keys: Required value: "
            "must not be empty if x-kubernetes-list-type is map",
        ),
    ],
)
def test_schemas_that_are_not_structural(field: dict[str, Any], expected: str) -> None:
    assert told(of_field(field)) == [expected]


def test_the_root_is_an_object() -> None:
    assert told({}) == ["s.type: Required value: must not be empty at the root"]
    assert told({"type": "string"}) == ['s.type: Invalid value: "string": must be object at the root']


def test_what_junctors_speak_of_is_there() -> None:
    assert told({"type": "object", "anyOf": [{"properties": {"a": {"minimum": 1}}}]}) == [
        "s.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]"
    ]


def test_metadata_is_not_restricted_but_for_names() -> None:
    meta = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}}
    assert told({"type": "object", "properties": {"metadata": meta}}) == []
    meta["properties"] = {"labels": {"type": "object", "additionalProperties": {"type": "string"}}}
    assert told({"type": "object", "properties": {"metadata": meta}}) == [
        "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata "
        "is implicitly specified"
    ]


def test_sets_hold_what_can_be_compared_whole() -> None:
    field = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "nullable": True}}
    assert told(of_field(field)) == [
        's.properties[f].items.x-kubernetes-map-type: Invalid value: "null": must be atomic as item of a list with '
        "x-kubernetes-list-type=set",
        "s.properties[f].items.nullable: Forbidden: cannot be nullable when x-kubernetes-list-type is set",
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "integer", "default": 1}, []),
        (
            {"type": "integer", "default": "x"},
            [
                's.properties[f].default: Invalid value: "string": s.properties[f].default in body must be of type '
                'integer: "string"'
            ],
        ),
        (
            {"type": "object", "default": {"b": 1}, "properties": {"a": {"type": "string"}}},
            ['s.properties[f].default: Invalid value: map[string]interface {}{"b":1}: must not have unknown fields'],
        ),
    ],
)
def test_defaults_fit(field: Mapping[str, Any], expected: list[str]) -> None:
    assert [str(error) for error in validate_defaults(of_field(field), "s")] == expected


def ruled(rule: Mapping[str, Any], **field: Any) -> list[str]:
    schema = of_field({"type": "object", "properties": {}, **field, "x-kubernetes-validations": [rule]})
    return [str(error) for error in validate_rules(schema, "s")]


AT = "s.properties[f].x-kubernetes-validations[0]"
HINT = "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings"
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def test_rules_are_type_checked() -> None:
    shown = (
        'apiextensions.ValidationRule{Rule:"self.foo > 1", Message:"", MessageExpression:"", '
        'Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:""}'
    )
    assert ruled({"rule": "self.foo > 1"}, properties={"a": NUMBER}) == [
        f"{AT}.rule: Invalid value: {shown}: compilation failed: ERROR: <input>:1:5: undefined field 'foo'\n"
        " | self.foo > 1\n | ....^"
    ]
    (mismatch,) = ruled({"rule": "self.a == 'x'"}, properties={"a": NUMBER})
    assert "found no matching overload for '_==_' applied to '(int, string)'" in mismatch
    assert ruled({"rule": "self.a"}, properties={"a": NUMBER})[0].endswith("cel expression must evaluate to a bool")


@pytest.mark.parametrize(
    "rule",
    [
        "self.a > 1 && self.t > timestamp('2020-01-01T00:00:00Z') && duration('1h') < self.d",
        "self.__namespace__ == 'x' && self.a__dash__b == 1",
        "self.m.all(k, self.m[k].startsWith(k)) && 'x' in self.m",
        "self.l.isSorted() && self.l.sum() > 1 && self.l.indexOf(1) == 0",
        "self.either == 1 || self.either == 'x'",
        "url(self.__namespace__).getHostname() == 'h'",
        "self.whole.metadata.name == self.whole.kind && self.nested[0][0] == 1",
    ],
)
def test_rules_that_fit(rule: str) -> None:
    fields = {
        "a": NUMBER,
        "a-b": NUMBER,
        "namespace": {"type": "string", "maxLength": 10},
        "t": {"type": "string", "format": "date-time"},
        "d": {"type": "string", "format": "duration"},
        "m": {"type": "object", "maxProperties": 5, "additionalProperties": {"type": "string", "maxLength": 5}},
        "l": {"type": "array", "maxItems": 5, "items": NUMBER},
        "either": {"x-kubernetes-int-or-string": True},
        "nested": {"type": "array", "items": {"type": "array", "items": NUMBER}},
        "whole": {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"x": NUMBER}},
    }
    assert ruled({"rule": rule}, properties=fields) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"rule": " "}, f"{AT}.rule: Required value: rule is not specified"),
        ({"rule": "true", "message": " "}, f'{AT}.message: Invalid value: " ": message must be non-empty if specified'),
        ({"rule": "true &&\ntrue"},
         f"{AT}.message: Required value: message must be specified if rule contains line breaks"),
        ({"rule": "true", "reason": "Odd"}, f'{AT}.reason: Unsupported value: "Odd": supported values: '
         '"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"'),
        ({"rule": "true", "fieldPath": ".b"}, f'{AT}.fieldPath: Invalid value: ".b": fieldPath must be a valid path: '
         "does not refer to a valid field"),
    ],
)  # fmt: skip
def test_rules_are_well_formed(rule: Mapping[str, Any], expected: str) -> None:
    assert ruled(rule, properties={"a": NUMBER}) == [expected]
    assert ruled({"rule": "true", "fieldPath": ".a", "messageExpression": "'no ' + string(self.a)"},
                 properties={"a": NUMBER}) == []  # fmt: skip


def test_loops_within_loops_need_limits() -> None:
    nested = {"rule": "self.l.all(x, self.l.all(y, x == y))"}
    refused = ruled(nested, properties={"l": {"type": "array", "items": TEXT}})
    text = "estimated rule cost exceeds budget by factor of more than 100x"
    assert refused[0].startswith(f"{AT}.rule: Forbidden: {text} {HINT}")
    assert ruled(nested, properties={"l": {"type": "array", "maxItems": 20, "items": {**TEXT, "maxLength": 20}}}) == []
    assert ruled({"rule": "self.l.all(x, x.startsWith('a'))"}, properties={"l": {"type": "array", "items": TEXT}}) == []


def test_the_whole_schema_has_a_budget() -> None:
    item = {"type": "object", "x-kubernetes-validations": [{"rule": "self.a == 'x'"}] * 3, "properties": {"a": TEXT}}
    schema = {"type": "object", "properties": {f"f{index}": {"type": "array", "items": item} for index in range(12)}}
    errors = [str(error) for error in validate_rules(schema, "s")]
    assert sum("contributed to estimated rule cost total exceeding" in text for text in errors) == 4
    assert errors[-1].startswith("s: Forbidden: estimated rule cost total for entire OpenAPIv3 schema exceeds budget")


def test_changes_are_only_followed_where_elements_are_known() -> None:
    changing = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    item = {"type": "object", "required": ["n"], "properties": {"n": TEXT, "v": {**changing, "maxLength": 5}}}
    keyed = {"type": "array", "maxItems": 9, "items": item}
    keyed |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"]}
    assert validate_rules(of_field(keyed), "s") == []
    (refused,) = validate_rules(of_field({"type": "array", "maxItems": 9, "items": item}), "s")
    assert str(refused).endswith(
        "oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[f]"
    )


def test_schemas_beyond_what_the_library_can_declare() -> None:
    many = {f"f{index}": TEXT for index in range(20_000)}
    assert ruled({"rule": "self.f1 == 'a'"}, properties=many) == []
    texts = {"type": "object", "additionalProperties": TEXT}
    alike = {"a_b": texts, "aB": texts, "a-b": TEXT, "a__dash__b": TEXT, "$x": TEXT, "é": TEXT, "_": texts, "has": TEXT}
    assert ruled({"rule": "self.has == 'a'"}, properties=alike) == []
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(200):
        deep = {"type": "object", "properties": {"a": deep}}
    assert ruled({"rule": "has(self.d.a)"}, properties={"d": deep}) == []
