"""Status answers and headers."""

from __future__ import annotations

import orjson
import pytest
import yaml

from apimachinery.errors import TooManyRequests
from apiserver.http.negotiate import YAML, Representation
from apiserver.http.reply import document, encoded, error_reply, unknown_resource, warning_header, warning_headers


def test_errors_are_statuses_with_their_code() -> None:
    reply = error_reply(unknown_resource())
    assert isinstance(reply.body, bytes)
    assert reply.status == 404
    assert orjson.loads(reply.body)["details"] == {}


def test_too_many_requests_says_when_to_come_back() -> None:
    assert error_reply(TooManyRequests("later", retry_after_seconds=3)).headers == {"Retry-After": "3"}


def test_yaml_on_request() -> None:
    reply = document({"b": 1, "a": None}, Representation(YAML))
    assert reply.content_type == YAML
    assert isinstance(reply.body, bytes)
    assert yaml.safe_load(reply.body) == {"a": None, "b": 1}


def test_stored_bytes_go_out_as_they_are() -> None:
    assert encoded(b'{"z":1,"a":2}').body == b'{"z":1,"a":2}\n'


def test_warnings_cannot_break_the_header() -> None:
    assert warning_header('say "x"\r\nSet-Cookie: y') == '299 - "say \\"x\\"  Set-Cookie: y"'


@pytest.mark.parametrize(
    ("texts", "lengths"),
    [
        (["a", "", "a", "bb"], [1, 2]),
        (["x" * 4096], [4096]),
        (["x" * 4096, "bb"], [256, 2]),
        ([f"{number:02}" + "x" * 300 for number in range(20)], [256] * 16),
        ([f"{number:02}" + "x" * 198 for number in range(30)], [200] * 21),
    ],
    ids=["once each", "all there is room for", "one too many", "cut and left out", "short ones left out"],
)
def test_warnings_are_kept_short(texts: list[str], lengths: list[int]) -> None:
    said = [value.removeprefix('299 - "').removesuffix('"') for value in warning_headers(texts)]
    assert [len(text) for text in said] == lengths
