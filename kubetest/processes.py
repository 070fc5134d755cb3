"""Server processes as a test run sees them, and the fork server that makes them for it."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from kubetest import forkserver

_PIECE = 4096
_NAMESPACES = ("mnt", "net", "user")


class ForkServer:
    """Makes processes that run an API server, from one that has everything imported; it is started when it is first
    needed, and ends when this process does. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._place: tuple[int, ...] = ()  # where it was started
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def warm(self) -> None:
        """Have it import what servers need while the caller does something else."""
        with self._lock:
            self._ensure()

    def spawn(self, arguments: Sequence[str], log: IO[bytes], seconds: float) -> ServerProcess:
        """A process that runs `kubetest.child` with the arguments and writes its errors to `log`. Raises OSError where
        it cannot be asked for within so many seconds."""
        with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
            child_input, standard_input = _pipe(theirs, ours)
            standard_output, child_output = _pipe(ours, theirs)
            streams = [child_input, child_output, log.fileno()]
            with self._lock:
                sock = self._ensure()
                sock.settimeout(max(seconds, 0.001))
                try:
                    forkserver.send(sock, forkserver.Request(list(arguments), dict(os.environ), streams))
                except OSError:
                    self._drop()  # half a request may be on its way
                    raise
            ours.pop_all()
            return ServerProcess(standard_input, standard_output)

    def last_words(self) -> str:
        """What it wrote: why it could not even import a server."""
        with self._lock:
            if self._log is None:
                return ""
            self._log.seek(0)
            return self._log.read().decode(errors="replace")

    def _ensure(self) -> socket.socket:
        place = _place()
        running = self._process is not None and self._process.poll() is None
        if self._socket is not None and running and self._place == place:
            return self._socket
        self._drop()
        if not self._place:
            atexit.register(self._drop)
        self._place = place
        self._socket, its = socket.socketpair()
        with its:
            self._log = tempfile.TemporaryFile()  # noqa: SIM115 - kept as long as the process
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kubetest.forkserver", str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=[its.fileno()],
                cwd=_importable_from(),
                process_group=0,  # Ctrl-C ends the tests; what they tear down still needs the servers
            )
        return self._socket

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None and self._place[0] == os.getpid():
            self._process.terminate()
            self._process.wait()
        if self._log is not None:
            self._log.close()
        self._socket = self._process = self._log = None


#: That of this test run.
FORK_SERVER = ForkServer()


class ServerProcess:
    """A server that was asked for. It ends by itself when its standard input does: when this process ends."""

    def __init__(self, standard_input: int, standard_output: int) -> None:
        self.pid: int | None = None
        self._input = standard_input
        self._output = standard_output
        self._descriptor: int | None = None  # a pidfd: no other process is ever taken for this one
        self._read = b""

    def lines(self, deadline: float) -> Iterator[bytes]:
        """The lines that it writes until then (of time.monotonic); ends sooner where its output does."""
        while True:
            line, end, rest = self._read.partition(b"\n")
            if end:
                self._read = rest
                yield line
                continue
            if not _readable(self._output, deadline - time.monotonic()):
                return
            piece = os.read(self._output, _PIECE)
            if not piece:
                return
            self._read += piece

    def identify(self, line: bytes) -> None:
        """Its first line says its process id."""
        self.pid = int(line)
        with contextlib.suppress(ProcessLookupError):  # it has ended since
            self._descriptor = os.pidfd_open(self.pid)

    def close(self, seconds: float) -> None:
        """End it, by force where it takes longer."""
        if self._descriptor is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)
                if not _readable(self._descriptor, seconds):
                    signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)
                    _readable(self._descriptor, seconds)
            os.close(self._descriptor)
        os.close(self._input)  # which alone would end it too
        os.close(self._output)


def _place() -> tuple[int, ...]:
    """What a child has of whoever makes it and no request can change: the process, which a fork of ours is another of,
    and the namespaces of the thread."""
    return (os.getpid(), *(Path(f"/proc/thread-self/ns/{name}").stat().st_ino for name in _NAMESPACES))


def _pipe(reader: contextlib.ExitStack, writer: contextlib.ExitStack) -> tuple[int, int]:
    """Both ends of a new pipe, each closed by its stack."""
    read, write = os.pipe()
    reader.callback(os.close, read)
    writer.callback(os.close, write)
    return read, write


def _readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, or an end, within that time."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _importable_from() -> Path:
    """The folder that holds these packages: it may be a checkout that is not installed."""
    return Path(__file__).resolve().parent.parent
