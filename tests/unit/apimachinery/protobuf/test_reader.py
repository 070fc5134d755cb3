"""Protobuf bodies, written here by hand as a Go client would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery import schema
from apimachinery.protobuf import reader, wire


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def message(number: int, *parts: bytes | str) -> bytes:
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(number << 3 | 2) + varint(len(body)) + body


def integer(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)


def envelope(version: str, kind: str, *raw: bytes) -> bytes:
    return b"k8s\x00" + message(1, message(1, version), message(2, kind)) + message(2, *raw)


def test_a_pod() -> None:
    get = message(2, message(1, "/"), message(2, integer(1, 1), message(3, "web")))
    container = message(
        2,
        message(1, "c"),
        message(2, "nginx"),
        message(6, message(1, "web"), integer(3, 80)),
        message(8, message(1, message(1, "cpu"), message(2, message(1, "100m")))),
        message(10, message(1, get), integer(2, 5)),
    )
    volume = message(1, message(1, "v"), message(2, message(19, message(1, message(1, "cm")), integer(3, 420))))
    metadata = message(
        1, message(1, "p"), message(3, "default"), message(11, message(1, "a"), message(2, "b")), message(8)
    )
    spec = message(2, volume, container, integer(4, -1))
    body = envelope("v1", "Pod", metadata, spec)
    decoded = reader.decode(body, schema.load())
    assert decoded["metadata"] == {
        "name": "p", "namespace": "default", "labels": {"a": "b"}, "creationTimestamp": None,
    }  # fmt: skip
    assert decoded["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "cm", "defaultMode": 420}}]
    assert decoded["spec"]["terminationGracePeriodSeconds"] == -1
    (made,) = decoded["spec"]["containers"]
    assert made["ports"] == [{"name": "web", "containerPort": 80}]
    assert made["resources"] == {"limits": {"cpu": "100m"}}
    assert made["livenessProbe"] == {"httpGet": {"path": "/", "port": "web"}, "initialDelaySeconds": 5}


def test_bytes_times_and_lists_in_maps() -> None:
    secret = reader.decode(envelope("v1", "Secret", message(2, message(1, "k"), message(2, "\x01"))), schema.load())
    assert secret["data"] == {"k": "AQ=="}
    event = reader.decode(envelope("v1", "Event", message(6, integer(1, 1_700_000_000))), schema.load())
    assert event["firstTimestamp"] == "2023-11-14T22:13:20Z"
    extra = message(5, message(1, "k"), message(2, message(1, "x"), message(1, "y")))
    review = reader.decode(
        envelope("authorization.k8s.io/v1", "SubjectAccessReview", message(2, message(3, "bob"), extra)), schema.load()
    )
    assert review["spec"] == {"user": "bob", "extra": {"k": ["x", "y"]}}


@pytest.mark.parametrize("body", [b"", b"{}", b"k8s\x00\x0a\xff", b"k8s\x00\x0f"])
def test_what_is_no_message(body: bytes) -> None:
    with pytest.raises((wire.WireError, reader.UnknownType)):
        reader.decode(body, schema.load())


def test_kinds_without_a_protobuf_form() -> None:
    with pytest.raises(reader.UnknownType):
        reader.decode(envelope("example.com/v1", "Widget"), schema.load())


@given(st.binary(max_size=60))
def test_no_body_does_harm(raw: bytes) -> None:
    try:
        reader.decode(envelope("v1", "Pod", raw), schema.load())
    except (wire.WireError, reader.UnknownType):
        return


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.binary(max_size=20))))
def test_fields_round_trip(parts: list[tuple[int, bytes]]) -> None:
    data = b"".join(message(number, value) for number, value in parts)
    assert [(number, value) for number, _, value in wire.fields(data)] == parts
