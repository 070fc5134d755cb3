"""Docker's stream formats, however they are cut."""

from __future__ import annotations

import pytest

from kubelet.runtime.streams import Demultiplexer, JsonLines


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_frames(size: int) -> None:
    data = frame(1, b"out\n") + frame(2, b"") + frame(2, b"err\n" * 1000)
    demultiplexer = Demultiplexer()
    found = [part for at in range(0, len(data), size) for part in demultiplexer.feed(data[at : at + size])]
    assert found == [(1, b"out\n"), (2, b""), (2, b"err\n" * 1000)]


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_json_lines(size: int) -> None:
    data = b'{"a":1}\r\n\n{"b":"x\\n"}\n{"unfinished"'
    lines = JsonLines()
    found = [entry for at in range(0, len(data), size) for entry in lines.feed(data[at : at + size])]
    assert found == [{"a": 1}, {"b": "x\n"}]


def test_a_line_that_is_no_json() -> None:
    with pytest.raises(ValueError, match="unexpected character"):
        list(JsonLines().feed(b"oops\n"))
