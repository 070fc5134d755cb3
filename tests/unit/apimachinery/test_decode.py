"""Bodies: JSON errors in Go's words, duplicate fields, YAML."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import decode, decode_yaml, json_errors
from apimachinery.decode import SyntaxProblem


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b"[1,2", "unexpected end of JSON input"),
        (b"{not json", "invalid character 'n' looking for beginning of object key string"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"{'a':1}", "invalid character '\\'' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b":2}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b'{"a":tru}', "invalid character '}' in literal true (expecting 'e')"),
        (b'{"a":nope}', "invalid character 'o' in literal null (expecting 'u')"),
        (b"{}x", "invalid character 'x' after top-level value"),
        (b'{"a":.5}', "invalid character '.' looking for beginning of value"),
        (b'{"a":1.}', "invalid character '}' after decimal point in numeric literal"),
        (b'{"a":1e}', "invalid character '}' in exponent of numeric literal"),
        (b'{"a":-}', "invalid character '}' in numeric literal"),
        (b'{"a":"\x01"}', "invalid character '\\x01' in string literal"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"),
        (b"[" * 201 + b"]" * 201, "exceeded max depth"),
        (b"[" * 10_002, "exceeded max depth"),
    ],
)
def test_syntax_errors(body: bytes, problem: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        decode.decode_json_value(body)
    assert str(caught.value) == problem


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(json_values)
def test_the_scanner_finds_nothing_wrong_in_json(value: object) -> None:
    assert json_errors.find(json.dumps(value).encode()) == ""
    assert json_errors.find(json.dumps(value, indent=1, ensure_ascii=False).encode()) == ""


@given(json_values, st.data())
def test_the_scanner_agrees_with_a_decoder(value: object, data: st.DataObject) -> None:
    text = bytearray(json.dumps(value).encode())
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'{}[]",:x1 \\-'))
    try:
        json.loads(bytes(text))
        fits = True
    except ValueError:
        fits = False
    assert (json_errors.find(bytes(text)) == "") is fits


def test_what_go_forgives_is_replaced() -> None:
    assert decode.decode_json(b'{"a":"\\ud800","b":"\xff","c":"\\ud83d\\ude00"}') == {"a": "�", "b": "�", "c": "😀"}


def test_only_objects_are_objects() -> None:
    assert decode.decode_json(b"null") == {}
    with pytest.raises(SyntaxProblem, match=r"^json: cannot unmarshal array into Go value of type struct"):
        decode.decode_json(b"[]")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a":1,"b":{"a":1}}', []),
        (b'{ "a" : 1 , "b" : 2 }', []),
        (b'{"metadata":{"name":"x","name":"y"}}', ['duplicate field "metadata.name"']),
        (b'{"a":[{"b":1},{"b":1,"b":2,"b":3}]}', ['duplicate field "a[1].b"']),
        (b'{"data":{"a":"1"},"data":{"b":"2"}}', ['duplicate field "data"']),
        (b'{\n\t"a": ":8080",\n\t"a" : 1\n}', ['duplicate field "a"']),
        (b'{"a":"x","a":"y","b":"\\u003a"}', ['duplicate field "a"']),
        (b'{"a":"x","a":"y","b":"\\u003A\\u003A"}', ['duplicate field "a"']),
        (b'{"a:":"\\":","b":"\\u003a"}', []),
    ],
)
def test_duplicate_fields(body: bytes, found: list[str]) -> None:
    assert decode.duplicate_fields(body) == found


_BLANKS = st.sampled_from([b"", b" ", b"\n  "])


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b:", "c"]), st.text(max_size=5) | st.dictionaries(st.text(), st.none()))),
    st.tuples(_BLANKS, _BLANKS, _BLANKS),
    st.booleans(),
)
def test_no_duplicate_is_overlooked(
    pairs: list[tuple[str, object]], blanks: tuple[bytes, ...], ascii_only: bool
) -> None:
    comma, colon, after = blanks
    fields = [
        json.dumps(name).encode()
        + colon
        + b":"
        + after
        + json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
        for name, value in pairs
    ]
    body = b"{" + (b"," + comma).join(fields) + b"}"
    names = [name for name, _ in pairs]
    found = decode.may_have_duplicates(body, decode.decode_json(body))
    assert found or len(names) == len(set(names))
    assert not found or len(names) > len(set(names)) or b"\\u" in body


def test_strict_errors_come_in_the_order_of_the_document() -> None:
    body = b'{"x":1,"x":2,"spec":{"a":1,"a":2,"y":{"z":1,"z":1}}}'
    unknown = ['unknown field "spec.y"', 'unknown field "x"']
    assert decode.strict_errors(body, unknown) == [
        'unknown field "x"',
        'duplicate field "spec.a"',
        'unknown field "spec.y"',
    ]


def test_the_beginning_of_a_body_in_errors() -> None:
    assert decode.summarize(b"{not json") == "{not json"
    assert decode.summarize(b"\x00\x01") == "0001"
    assert decode.summarize(b"") == "<empty>"
    assert decode.summarize(b"{" + b"x" * 40) == "{" + "x" * 29 + " ..."


def test_yaml_scalars_are_those_of_the_go_package() -> None:
    body = b"a: yes\nb: 1e3\nc: 2020-01-01\n1: 80:80\nd: 010\ne: ~\nf: '1'\ng: 1.5\nh: 0x1F\ntrue: x\n---\nother: 1\n"
    assert decode_yaml.decode_yaml(body) == {
        "a": True,
        "b": 1000.0,
        "c": "2020-01-01",
        "1": "80:80",
        "d": 8,
        "e": None,
        "f": "1",
        "g": 1.5,
        "h": 31,
        "true": "x",
    }


def test_yaml_takes_json_and_nothing() -> None:
    assert decode_yaml.decode_yaml(b'{"a":{"b":[1]}}') == {"a": {"b": [1]}}
    assert decode_yaml.decode_yaml(b"") == {}


def test_yaml_duplicates_and_errors() -> None:
    obj, complaint = decode_yaml.decode_yaml_strict(b"a: 1\nb: 2\na: 3\n")
    assert obj == {"a": 3, "b": 2}
    assert complaint == 'yaml: unmarshal errors:\n  line 3: key "a" already set in map'
    with pytest.raises(SyntaxProblem, match="mapping values are not allowed in this context"):
        decode_yaml.decode_yaml(b"a: b: c")
    with pytest.raises(SyntaxProblem, match="cannot unmarshal array"):
        decode_yaml.decode_yaml(b"- 1")
