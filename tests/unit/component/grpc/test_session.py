"""One connection of HTTP/2 without I/O, with the `h2` package as the server, which minds every rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from component.grpc import frames
from component.grpc.errors import CANCEL, Code, GrpcError, ProtocolError
from component.grpc.fields import Fields
from component.grpc.session import STREAM_WINDOW, Session

HEAD = ((":method", "POST"), (":scheme", "http"), (":path", "/s/m"), (":authority", "a"), ("te", "trailers"))
ANSWER = [(":status", "200"), ("content-type", "application/grpc")]
DONE = [("grpc-status", "0")]


@dataclass
class Heard:
    """A receiver that writes down what it hears."""

    fields: list[dict[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    error: GrpcError | None = None

    def headers(self, fields: Fields, *, ended: bool) -> None:
        self.fields.append(dict(fields))
        self._end(ended)

    def data(self, data: bytes, *, ended: bool) -> None:
        self.body += data
        self._end(ended)

    def failed(self, error: GrpcError) -> None:
        assert not self.ended
        self.ended, self.error = True, error

    def _end(self, ended: bool) -> None:
        assert not self.ended
        self.ended = ended


class Pair:
    """A session and its server."""

    def __init__(self, **values: int) -> None:
        self.session = Session()
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.server.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes[name]: value for name, value in values.items()}
        )
        self.server.max_inbound_frame_size = self.server.local_settings.max_frame_size
        self.server.initiate_connection()
        self.events: list[Any] = []
        self.bodies: dict[int, bytes] = {}
        self.carry()

    def carry(self, *, credit: bool = True) -> None:
        """Bytes to and fro until there are none; with `credit`, what the server receives makes room for more."""
        while (out := self.session.take_output()) or (back := self.server.data_to_send()):
            if out:
                for event in self.server.receive_data(out):
                    self._note(event, credit=credit)
                continue
            self.session.receive(back)

    def _note(self, event: Any, *, credit: bool) -> None:
        self.events.append(event)
        if isinstance(event, h2.events.DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
            if credit and event.flow_controlled_length:
                self.server.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def open(self, body: bytes = b"body", *, end: bool = True) -> tuple[int, Heard]:
        heard = Heard()
        stream = self.session.open(self.session.fields.write(HEAD), heard, body, end=end)
        return stream, heard

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def test_a_request_and_its_answer() -> None:
    pair = Pair()
    for _ in range(3):
        stream, heard = pair.open()
        pair.carry()
        pair.server.send_headers(stream, ANSWER)
        pair.server.send_data(stream, b"answer")
        pair.server.send_headers(stream, DONE, end_stream=True)
        pair.carry()
        assert heard == Heard([dict(ANSWER), dict(DONE)], b"answer", ended=True)
    assert [event.headers for event in pair.of(h2.events.RequestReceived)] == [list(HEAD)] * 3
    assert set(pair.bodies.values()) == {b"body"}
    assert pair.session.streams == 0


@given(st.lists(st.integers(1, 300_000), min_size=1, max_size=4), st.integers(0, 100_000), st.integers(14, 17))
@settings(max_examples=30, deadline=None)
def test_large_bodies_keep_to_the_windows_and_arrive_whole(sizes: list[int], window: int, power: int) -> None:
    pair = Pair(INITIAL_WINDOW_SIZE=window, MAX_FRAME_SIZE=1 << power)
    pair.carry()
    bodies = {pair.open(bytes([number]) * size)[0]: bytes([number]) * size for number, size in enumerate(sizes)}
    pair.carry()  # h2 raises where a window or a frame's length is overrun
    while pair.bodies != bodies:
        before = sum(map(len, pair.bodies.values()))
        for stream in bodies:
            if not any(event.stream_id == stream for event in pair.of(h2.events.StreamEnded)):
                pair.server.increment_flow_control_window(70_000, stream)
        pair.carry()
        assert sum(map(len, pair.bodies.values())) > before
    assert len(pair.of(h2.events.StreamEnded)) == len(bodies)


def test_a_window_that_shrinks_below_nothing_holds_the_rest_back() -> None:
    pair = Pair(INITIAL_WINDOW_SIZE=50_000)
    pair.carry()
    stream, _ = pair.open(b"a" * 40_000, end=False)
    pair.carry(credit=False)
    pair.server.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 30_000})
    pair.carry(credit=False)
    pair.session.send(stream, b"b" * 5_000)
    pair.carry(credit=False)
    assert len(pair.bodies[stream]) == 40_000
    pair.server.increment_flow_control_window(16_000, stream)
    pair.carry(credit=False)
    assert pair.bodies[stream] == b"a" * 40_000 + b"b" * 5_000


def test_what_is_taken_is_given_back_and_what_is_not_stops_the_stream_alone() -> None:
    pair = Pair()
    (read, heard), (unread, _) = pair.open(), pair.open()
    pair.carry()
    for stream in (read, unread):
        pair.server.send_headers(stream, ANSWER)
    sent = {read: 0, unread: 0}
    for _ in range(600):
        for stream in sent:
            size = min(16_384, pair.server.local_flow_control_window(stream))
            if size:
                pair.server.send_data(stream, bytes(size))
                sent[stream] += size
        pair.carry()
        pair.session.taken(read, len(heard.body))
        heard.body = b""
    assert sent[unread] == STREAM_WINDOW
    assert sent[read] == 600 * 16_384


def test_padding_is_given_back() -> None:
    pair = Pair()
    stream, heard = pair.open()
    pair.carry()
    pair.server.send_headers(stream, ANSWER)
    for _ in range(STREAM_WINDOW // 256):
        pair.server.send_data(stream, b"x", pad_length=255)
        pair.carry()
    assert heard.body == b"x" * (STREAM_WINDOW // 256)
    assert pair.server.local_flow_control_window(stream) > STREAM_WINDOW // 2


def test_fields_that_are_continued() -> None:
    pair = Pair()
    stream, heard = pair.open()
    pair.carry()
    pair.server.send_headers(stream, [*ANSWER, ("x-long", "y" * 40_000)])
    pair.carry()
    assert heard.fields[0]["x-long"] == "y" * 40_000


def test_a_stream_that_the_server_resets() -> None:
    pair = Pair()
    heard = []
    for code in (h2.errors.ErrorCodes.REFUSED_STREAM, h2.errors.ErrorCodes.INTERNAL_ERROR):
        stream, one = pair.open()
        heard.append(one)
        pair.carry()
        pair.server.reset_stream(stream, code)
        pair.carry()
    refused, broken = (one.error for one in heard)
    assert refused is not None and (refused.code, refused.sent) == (Code.Unavailable, False)
    assert broken is not None and (broken.code, broken.sent) == (Code.Internal, True)


def test_a_stream_that_we_cancel_and_what_still_comes_of_it() -> None:
    pair = Pair()
    stream, heard = pair.open(end=False)
    pair.carry()
    pair.server.send_headers(stream, [*ANSWER, ("x-new", "one")])  # changes the table of fields
    pair.server.send_data(stream, b"late")
    pair.session.cancel(stream)
    pair.carry()
    assert heard == Heard()
    assert [event.error_code for event in pair.of(h2.events.StreamReset)] == [CANCEL]
    other, later = pair.open()
    pair.carry()
    pair.server.send_headers(other, [*ANSWER, ("x-new", "one")], end_stream=True)
    pair.carry()
    assert later.fields == [{**dict(ANSWER), "x-new": "one"}]


def test_an_answer_before_the_request_is_complete_ends_it() -> None:
    pair = Pair()
    stream, heard = pair.open(b"x" * 200_000)
    pair.carry(credit=False)
    pair.server.send_headers(stream, [*ANSWER, *DONE], end_stream=True)
    pair.carry(credit=False)
    assert heard.ended and heard.error is None
    assert pair.of(h2.events.StreamReset)
    assert pair.session.streams == 0


def test_the_server_says_goodbye() -> None:
    pair = Pair()
    (first, taken), (_, untaken) = pair.open(), pair.open()
    pair.carry()
    # h2 says nothing of streams after it has closed its side; so the frame is written by hand.
    pair.session.receive(frames.frame(frames.GOAWAY, 0, 0, first.to_bytes(4, "big") + bytes(4)))
    assert pair.session.closing
    assert untaken.error is not None and not untaken.error.sent
    pair.server.send_headers(first, [*ANSWER, *DONE], end_stream=True)
    pair.carry()
    assert taken.ended and taken.error is None


def test_a_lost_connection_fails_what_is_under_way() -> None:
    pair = Pair()
    _, heard = pair.open()
    pair.session.lost("reset by peer")
    assert heard.error is not None and (heard.error.code, heard.error.sent) == (Code.Unavailable, True)


def test_the_server_limits_the_streams() -> None:
    pair = Pair(MAX_CONCURRENT_STREAMS=2)
    pair.carry()
    stream, _ = pair.open()
    full = [pair.session.full]
    pair.open()
    full.append(pair.session.full)
    pair.carry()
    pair.server.send_headers(stream, [*ANSWER, *DONE], end_stream=True)
    pair.carry()
    assert [*full, pair.session.full] == [False, True, False]


def test_a_smaller_table_of_fields_is_kept_to() -> None:
    pair = Pair()
    pair.carry()
    pair.server.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: 64})
    pair.carry()
    for _ in range(3):
        pair.open()
        pair.carry()
    assert [event.headers for event in pair.of(h2.events.RequestReceived)] == [list(HEAD)] * 3


def test_pings_are_answered_and_sent() -> None:
    pair = Pair()
    pair.server.ping(b"12345678")
    pair.session.ping()
    pair.carry()
    assert [event.ping_data for event in pair.of(h2.events.PingAckReceived)] == [b"12345678"]
    assert pair.of(h2.events.PingReceived)


@pytest.mark.parametrize(
    "data",
    [
        frames.frame(frames.DATA, 0, 7, b"never opened"),
        frames.frame(frames.DATA, 0, 0, b"of the connection"),
        frames.frame(frames.HEADERS, frames.END_HEADERS, 2, b""),
        frames.frame(frames.RST_STREAM, 0, 1, b"\0"),
        frames.frame(frames.PUSH_PROMISE, frames.END_HEADERS, 1, bytes(4)),
        frames.frame(frames.CONTINUATION, frames.END_HEADERS, 1, b""),
        frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.PING, 0, 0, bytes(8)),
        frames.frame(frames.HEADERS, 0, 1, b"") + frames.frame(frames.CONTINUATION, 0, 1, b"\0" * 16_000) * 5,
        frames.window_update(0, frames.LARGEST_WINDOW),
        frames.window_update(1, frames.LARGEST_WINDOW),
        frames.settings({frames.INITIAL_WINDOW_SIZE: frames.LARGEST_WINDOW + 1}),
        frames.settings({frames.MAX_FRAME_SIZE: 100}),
    ],
)
def test_a_server_that_breaks_the_rules_is_told(data: bytes) -> None:
    pair = Pair()
    pair.open()
    with pytest.raises(ProtocolError):
        pair.session.receive(data)


def test_unknown_frames_and_settings_mean_nothing() -> None:
    pair = Pair()
    pair.session.receive(
        frames.frame(0x20, 0xFF, 9, b"?") + frames.settings({0x99: 1}) + frames.frame(2, 0, 1, b"12345")
    )
    stream, _ = pair.open()
    pair.carry()
    assert pair.bodies[stream] == b"body"


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
@settings(deadline=None)
def test_no_bytes_do_more_than_break_the_rules(data: bytes, cuts: list[int]) -> None:
    pair = Pair()
    pair.open()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    try:
        for begin, end in pairwise(edges):
            pair.session.receive(data[begin:end])
    except ProtocolError:
        pass
