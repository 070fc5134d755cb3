"""The process that API servers for tests are forked from: `python -m kubetest.forkserver DESCRIPTOR`.

Importing a server takes longer than starting it, so that is done once for all servers of a test run. Requests come over
the Unix socket with that descriptor, and nothing is answered: a child writes its process id to its standard output
first. Ends when the other side of the socket is closed; the servers do not end with it."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import struct
import sys
from dataclasses import dataclass

from component import imports

_LENGTH = struct.Struct("!I")
_STREAMS = 3
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """What a child is to be; `streams` become its standard input, output and error."""

    arguments: list[str]
    environment: dict[str, str]
    streams: list[int]


def send(sock: socket.socket, request: Request) -> None:
    """Ask for a child; raises OSError where the fork server is gone, or does not take it within the socket's time."""
    body = json.dumps([request.arguments, request.environment]).encode()
    socket.send_fds(sock, [_LENGTH.pack(len(body))], request.streams)
    sock.sendall(body)


def receive(sock: socket.socket) -> Request | None:
    """The next request, None at the end; its descriptors are the caller's to close."""
    head, streams, _, _ = socket.recv_fds(sock, _LENGTH.size, _STREAMS, socket.MSG_CMSG_CLOEXEC)
    if not head:
        return None
    left = _LENGTH.unpack(head)[0]
    body = b""
    while left and (piece := sock.recv(min(left, _PIECE))):
        body += piece
        left -= len(piece)
    if left:
        return None  # whoever asked has ended meanwhile
    arguments, environment = json.loads(body)
    return Request(arguments, environment, streams)


def main() -> int:
    """Fork until the socket's other side is closed; a child returns from here as well, once its server has ended."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    with imports.of_daemon():
        from kubetest import child
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets children that have ended
    while (request := receive(sock)) is not None:
        child.import_for(request.arguments)
        gc.freeze()  # no child's garbage collections look at what there is by now
        if os.fork() == 0:
            sock.close()
            return child.main(_become(request))
        for descriptor in request.streams:
            os.close(descriptor)
    return 0


def _become(request: Request) -> list[str]:
    """Turn into the child that was asked for; returns its arguments."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, descriptor in enumerate(request.streams):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.stdout.write(f"{os.getpid()}\n")
    sys.stdout.flush()
    return request.arguments


if __name__ == "__main__":
    sys.exit(main())
