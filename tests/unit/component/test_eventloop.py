"""uvloop's sockets are closed once."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import struct
from collections.abc import Coroutine
from typing import Any, cast

import pytest

from component.eventloop import EventLoop


def run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(main)


def reset_connection() -> socket.socket:
    """The client's end of a TCP connection that the other side has reset."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        ours.setblocking(False)
        theirs, _ = listener.accept()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
    return ours


def insecure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.mark.parametrize("options", [{"ssl": insecure(), "server_hostname": ""}, {}], ids=["tls", "plain"])
def test_a_connection_that_is_reset_leaves_its_descriptor_s_next_owner_alone(options: dict[str, Any]) -> None:
    async def main() -> None:
        ours = reset_connection()
        descriptor = ours.fileno()
        lost = asyncio.Event()

        class Protocol(asyncio.Protocol):
            def connection_lost(self, exc: Exception | None) -> None:
                lost.set()

        try:
            await asyncio.get_running_loop().create_connection(Protocol, sock=ours, **options)
        except ConnectionResetError:
            pass
        else:
            await lost.wait()
        opened = [os.open("/dev/null", os.O_RDONLY)]
        while opened[-1] < descriptor:
            opened.append(os.open("/dev/null", os.O_RDONLY))
        assert descriptor in opened  # libuv has closed it, and now it is another's
        del ours
        for _ in range(10):
            await asyncio.sleep(0)  # until libuv has let go of the transport
        gc.collect()
        for each in opened:
            os.close(each)  # raises OSError where it is closed already

    run(main())


def test_a_connection_works_as_ever() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        theirs.sendall(b"hello")
        theirs.close()
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()

    run(main())


def test_arguments_that_make_no_sense_leave_the_socket_open() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with pytest.raises(ValueError, match="host/port and sock can not be specified at the same time"):
                await cast(EventLoop, asyncio.get_running_loop()).create_connection(
                    asyncio.Protocol, "127.0.0.1", 1, sock=ours
                )
            assert ours.fileno() >= 0

    run(main())
