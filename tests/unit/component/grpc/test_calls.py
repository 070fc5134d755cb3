"""gRPC's messages and statuses on a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from component.grpc.calls import MAX_MESSAGE_BYTES, Messages, StreamCall, UnaryCall, framed, framed_size
from component.grpc.errors import Code, GrpcError

HEAD = {":status": "200", "content-type": "application/grpc"}
DONE = {"grpc-status": "0", "grpc-message": ""}


@given(st.lists(st.binary(max_size=30), max_size=6), st.lists(st.integers(1, 200), max_size=6))
@settings(deadline=None)
def test_messages_come_back_however_the_body_is_cut(sent: list[bytes], cuts: list[int]) -> None:
    body = b"".join(map(framed, sent))
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    messages = Messages()
    received = [one for begin, end in pairwise(edges) for one in messages.feed(body[begin:end])]
    assert received == sent
    assert not messages.unfinished
    assert len(body) == sum(map(framed_size, sent))


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        (b"\x01\0\0\0\x01", Code.Unimplemented),
        (b"\0" + (MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"), Code.ResourceExhausted),
    ],
)
def test_messages_that_are_compressed_or_too_long_are_not_taken(prefix: bytes, code: Code) -> None:
    with pytest.raises(GrpcError) as raised:
        Messages().feed(prefix)
    assert raised.value.code is code


def call() -> tuple[UnaryCall, list[str], list[int]]:
    """A call, how often it was given up, and what it took."""
    made, given_up, taken = UnaryCall(asyncio.get_running_loop().create_future()), list[str](), list[int]()
    made.give_up, made.take = lambda: given_up.append("given up"), taken.append
    return made, given_up, taken


async def test_an_answer() -> None:
    made, given_up, taken = call()
    made.headers({":status": "103"}, ended=False)
    made.headers(HEAD, ended=False)
    made.data(framed(b"message")[:4], ended=False)
    made.data(framed(b"message")[4:], ended=False)
    assert not made.answer.done()
    made.headers(DONE, ended=True)
    assert await made.answer == b"message"
    assert (given_up, sum(taken)) == ([], framed_size(b"message"))


def end_by_trailers(made: UnaryCall) -> None:
    made.headers({**HEAD, "grpc-status": "11", "grpc-message": "etcdserver: caf%C3%A9 100%25"}, ended=True)


def end_by_trailers_behind_a_message(made: UnaryCall) -> None:
    made.headers(HEAD, ended=False)
    made.data(framed(b"x"), ended=False)
    made.headers({"grpc-status": "14", "grpc-message": "no leader"}, ended=True)


def end_without_a_message(made: UnaryCall) -> None:
    made.headers({**HEAD, **DONE}, ended=True)


def end_without_trailers(made: UnaryCall) -> None:
    made.headers(HEAD, ended=False)
    made.data(framed(b"x"), ended=True)


def end_in_a_message(made: UnaryCall) -> None:
    made.headers(HEAD, ended=False)
    made.data(framed(b"first") + framed(b"second")[:7], ended=False)
    made.headers(DONE, ended=True)


def end_by_an_unknown_code(made: UnaryCall) -> None:
    made.headers({**HEAD, "grpc-status": "99"}, ended=True)


def end_of_the_connection(made: UnaryCall) -> None:
    made.failed(GrpcError(Code.Unavailable, "gone"))


@pytest.mark.parametrize(
    ("end", "code", "message"),
    [
        (end_by_trailers, Code.OutOfRange, "etcdserver: café 100%"),
        (end_by_trailers_behind_a_message, Code.Unavailable, "no leader"),
        (end_without_a_message, Code.Internal, "without a message"),
        (end_without_trailers, Code.Internal, "without sending trailers"),
        (end_in_a_message, Code.Internal, "middle of a message"),
        (end_by_an_unknown_code, Code.Unknown, "^Unknown: $"),
        (end_of_the_connection, Code.Unavailable, "gone"),
    ],
)
async def test_ends_that_are_failures(end: Callable[[UnaryCall], None], code: Code, message: str) -> None:
    made, given_up, _ = call()
    end(made)
    with pytest.raises(GrpcError, match=message) as raised:
        await made.answer
    assert raised.value.code is code
    assert given_up == []  # the stream has ended by itself


def refuse_by_status(made: UnaryCall) -> None:
    made.headers({":status": "502", "content-type": "text/html"}, ended=False)


def refuse_by_type(made: UnaryCall) -> None:
    made.headers({":status": "200", "content-type": "text/html"}, ended=False)


def refuse_compressed(made: UnaryCall) -> None:
    made.headers(HEAD, ended=False)
    made.data(b"\x01\0\0\0\0", ended=False)


def refuse_a_body_first(made: UnaryCall) -> None:
    made.data(framed(b"x"), ended=False)


def refuse_fields_in_the_middle(made: UnaryCall) -> None:
    made.headers(HEAD, ended=False)
    made.headers(HEAD, ended=False)


@pytest.mark.parametrize(
    ("refuse", "code"),
    [
        (refuse_by_status, Code.Unavailable),
        (refuse_by_type, Code.Unknown),
        (refuse_compressed, Code.Unimplemented),
        (refuse_a_body_first, Code.Internal),
        (refuse_fields_in_the_middle, Code.Internal),
    ],
)
async def test_answers_that_make_no_sense_are_given_up(refuse: Callable[[UnaryCall], None], code: Code) -> None:
    made, given_up, _ = call()
    refuse(made)
    with pytest.raises(GrpcError) as raised:
        await made.answer
    assert raised.value.code is code
    assert given_up == ["given up"]


async def test_a_stream_gives_its_messages_before_its_end() -> None:
    made = StreamCall()
    taken: list[int] = []
    made.take = taken.append
    made.headers(HEAD, ended=False)
    waiting = asyncio.create_task(made.wait())
    await asyncio.sleep(0)
    made.data(framed(b"one") + framed(b"two") + framed(b"three")[:6], ended=False)
    await waiting
    made.failed(GrpcError(Code.Unavailable, "gone"))
    await made.wait()
    assert list(made.messages) == [b"one", b"two"]
    assert made.ended and made.error is not None
    assert taken == [6]  # what is in the queue is taken by who reads it
