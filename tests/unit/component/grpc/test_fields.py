"""Compressed header fields, and the memory of blocks, against the `hpack` package's other side."""

from __future__ import annotations

import hpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from component.grpc.errors import COMPRESSION_ERROR, ProtocolError
from component.grpc.fields import FieldReader, FieldWriter, once

NAMES = st.sampled_from([":status", "content-type", "grpc-status", "grpc-message", "x-a", "x-b"])
VALUES = st.sampled_from(["0", "200", "application/grpc", "", "a" * 900, "b" * 1800, "c" * 2500, "ü"])
LISTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=30)


@given(LISTS)
@settings(deadline=None)
def test_what_the_other_side_says_is_read_however_its_tables_change(said: list[dict[str, str]]) -> None:
    encoder, reader = hpack.Encoder(), FieldReader()
    for fields in said:
        assert reader.read(encoder.encode(list(fields.items()))) == fields


@given(LISTS, st.lists(st.sampled_from([0, 100, 1000, 4096, 100_000]), max_size=3))
@settings(deadline=None)
def test_what_we_say_is_understood_however_small_the_table(said: list[dict[str, str]], sizes: list[int]) -> None:
    writer, decoder = FieldWriter(), hpack.Decoder()
    for number, fields in enumerate(said):
        if number % 5 == 4 and sizes:
            size = sizes.pop()
            writer.resize(size)
            decoder.max_allowed_table_size = max(size, 0)
        pairs = tuple(fields.items())
        understood: list[tuple[str, str]] = [(str(one[0]), str(one[1])) for one in decoder.decode(writer.write(pairs))]
        assert understood == list(pairs)


def test_what_is_said_again_becomes_references() -> None:
    writer = FieldWriter()
    fields = ((":method", "POST"), (":path", "/etcdserverpb.KV/Txn"), ("te", "trailers"))
    first, again, more = (writer.write(fields) for _ in range(3))
    assert len(again) == len(fields) < len(first)
    assert more == again


def test_a_field_that_is_said_once_leaves_the_table_alone() -> None:
    decoder = hpack.Decoder()
    ((name, value),) = decoder.decode(once(b"grpc-timeout", b"10000m"))
    assert (str(name), str(value)) == ("grpc-timeout", "10000m")
    assert not decoder.header_table.dynamic_entries


@pytest.mark.parametrize("block", [b"\xfe", b"\x40\x05a", b"\x80"])
def test_blocks_that_make_no_sense_break_the_rules(block: bytes) -> None:
    with pytest.raises(ProtocolError) as raised:
        FieldReader().read(block)
    assert raised.value.code == COMPRESSION_ERROR
