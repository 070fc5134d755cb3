"""The decoder's answer must not depend on how the stream is cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.watchstream import WatchDecoder

EVENTS = [
    ("ADDED", {"kind": "Pod", "metadata": {"name": "a"}}),
    ("MODIFIED", {"kind": "Pod", "metadata": {"name": "a", "annotations": {"long": "x" * 300_000}}}),
    ("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "7", "text": "zwölf\nZeilen"}}),
    ("DELETED", {"kind": "Pod", "metadata": {"name": "a"}}),
]
STREAM = b"".join(json.dumps({"type": kind, "object": obj}).encode() + b"\n" for kind, obj in EVENTS)
SHORT = STREAM.replace(b"x" * 300_000, b"x")


@pytest.mark.parametrize("size", [7, 4096, 1 << 20])
def test_events_do_not_depend_on_chunk_size(size: int) -> None:
    decoder = WatchDecoder()
    chunks = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert [event for chunk in chunks for event in decoder.feed(chunk)] == EVENTS
    assert decoder.pending == 0


@given(st.lists(st.integers(0, len(SHORT)), max_size=8))
def test_events_do_not_depend_on_where_the_stream_is_cut(cuts: list[int]) -> None:
    whole = WatchDecoder().feed(SHORT)
    decoder = WatchDecoder()
    at = [0, *sorted(cuts), len(SHORT)]
    parts = [SHORT[start:end] for start, end in pairwise(at)]
    assert [event for part in parts for event in decoder.feed(part)] == whole


def test_blank_lines_are_skipped_and_a_cut_event_is_pending() -> None:
    decoder = WatchDecoder()
    assert decoder.feed(b'\r\n\n{"type":"ADDED","object":{}}\r\n{"type"') == [("ADDED", {})]
    assert decoder.pending == len(b'{"type"')


@pytest.mark.parametrize("line", [b"[]\n", b'{"type":"ADDED"}\n', b'{"type":1,"object":{}}\n', b"nonsense\n"])
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        WatchDecoder().feed(line)
