from __future__ import annotations

import pytest

from apiserver.storage.etcd3.store import prefix_end as prefix_end_of_bytes
from apiserver.storage.sqlite.database import prefix_end


@pytest.mark.parametrize(
    ("prefix", "end"),
    [
        (b"/registry/", b"/registry0"),
        (b"ab\xff", b"ac"),
        (b"a\xff\xff", b"b"),
        (b"\xff\xff", b"\0"),
        (b"", b"\0"),
    ],
)
def test_the_end_of_a_prefix_in_bytes(prefix: bytes, end: bytes) -> None:
    assert prefix_end_of_bytes(prefix) == end


@pytest.mark.parametrize(("prefix", "end"), [("/registry/", "/registry0"), ("a\U0010ffff", "b")])
def test_the_end_of_a_prefix_in_text(prefix: str, end: str) -> None:
    assert prefix_end(prefix) == end


def test_the_empty_prefix_ends_after_every_key() -> None:
    assert prefix_end("") > "\U0010ffff"
