"""Frames of HTTP/2 between bytes and values."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from component.grpc import frames
from component.grpc.errors import FRAME_SIZE_ERROR, ProtocolError
from component.grpc.frames import Frame, FrameReader

FRAMES = st.tuples(
    st.integers(0, 255), st.integers(0, 255), st.integers(0, frames.LARGEST_WINDOW), st.binary(max_size=40)
)


@given(st.lists(FRAMES, max_size=8), st.lists(st.integers(0, 400), max_size=8))
@settings(deadline=None)
def test_frames_come_back_however_the_bytes_arrive(sent: list[Frame], cuts: list[int]) -> None:
    data = b"".join(frames.frame(*one) for one in sent)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    reader = FrameReader()
    received = [one for begin, end in pairwise(edges) for one in reader.feed(data[begin:end])]
    assert received == sent


def test_a_frame_of_the_largest_length_is_taken_and_one_byte_more_is_not() -> None:
    payload = bytes(frames.SMALLEST_MAX_FRAME)
    assert FrameReader().feed(frames.frame(frames.DATA, 0, 1, payload)) == [(frames.DATA, 0, 1, payload)]
    with pytest.raises(ProtocolError) as raised:
        FrameReader().feed(frames.frame(frames.DATA, 0, 1, payload + b"x")[:9])  # its head is enough to know
    assert raised.value.code == FRAME_SIZE_ERROR


def test_the_reserved_bit_of_a_stream_is_ignored() -> None:
    assert FrameReader().feed(frames.frame(frames.DATA, 0, 0x80000005, b"x")) == [(frames.DATA, 0, 5, b"x")]


@pytest.mark.parametrize(
    ("flags", "payload", "rest"),
    [
        (frames.PADDED, b"\x02data\0\0", b"data"),
        (frames.PADDED, b"\x00data", b"data"),
        (frames.PRIORITY, b"\0\0\0\0\x10fields", b"fields"),
        (frames.PADDED | frames.PRIORITY, b"\x01\0\0\0\0\x10fields\0", b"fields"),
    ],
)
def test_padding_and_priority_are_taken_off(flags: int, payload: bytes, rest: bytes) -> None:
    assert frames.unpadded(flags, payload, priority=True) == rest


@pytest.mark.parametrize("payload", [b"", b"\x05data", b"\xff"])
def test_padding_longer_than_the_frame_breaks_the_rules(payload: bytes) -> None:
    with pytest.raises(ProtocolError):
        frames.unpadded(frames.PADDED, payload)


def test_payloads_of_a_wrong_length_break_the_rules() -> None:
    with pytest.raises(ProtocolError):
        frames.read_number(b"\0\0\0")
    with pytest.raises(ProtocolError):
        frames.read_settings(b"\0\x03\0\0\0")
