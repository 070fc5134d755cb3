"""What the fork server is asked, over a real socket."""

from __future__ import annotations

import os
import socket

from kubetest.forkserver import Request, receive, send


def test_a_request_arrives_whole_with_its_streams() -> None:
    read, write = os.pipe()
    environment = {"A": "x" * 50_000, "ODD": os.fsdecode(b"\xff\xfe"), "EMPTY": ""}
    asking, asked = socket.socketpair()
    with asking, asked:
        send(asking, Request(["--a=b", ""], environment, [read, write, write]))
        send(asking, Request([], {}, [read, read, read]))
        first, second = receive(asked), receive(asked)
        assert first is not None
        assert second is not None
        assert (first.arguments, first.environment) == (["--a=b", ""], environment)
        assert (second.arguments, second.environment) == ([], {})
        os.write(first.streams[2], b"hello")
        assert os.read(second.streams[0], 10) == b"hello"
        for descriptor in (read, write, *first.streams, *second.streams):
            os.close(descriptor)


def test_half_a_request_is_the_end() -> None:
    for sent in (b"", b"\x00\x00\x00\x09[[],"):
        asking, asked = socket.socketpair()
        with asked:
            with asking:
                asking.sendall(sent)
            assert receive(asked) is None
